package main

import (
	"fmt"
	"strings"
)

// step is a directive as it stands in a script, with its input lines, and what it gave.
type step struct {
	line   string
	input  []string
	output string
}

func (s step) String() string {
	var b strings.Builder
	fmt.Fprintln(&b, s.line)
	for _, line := range s.input {
		fmt.Fprintln(&b, line)
	}
	fmt.Fprintln(&b, "----")
	output := s.output
	if output != "" && !strings.HasSuffix(output, "\n") {
		output += "\n"
	}
	if strings.HasPrefix(output, "\n") || strings.Contains(output, "\n\n") {
		output = "----\n" + output + "----\n----\n"
	}
	b.WriteString(output)
	return b.String()
}

// record runs a script and returns it with what etcd/raft shows, up to where that fails.
func record(text string) (string, error) {
	cluster := newCluster()
	var out strings.Builder
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); {
		trimmed := strings.TrimSpace(lines[i])
		if trimmed == "" || strings.HasPrefix(trimmed, "#") {
			fmt.Fprintln(&out, lines[i])
			i++
			continue
		}
		next, s, err := parseStep(lines, i)
		if err != nil {
			return "", err
		}
		i = next
		output, ok := cluster.handle(s.line, s.input)
		if !ok {
			return strings.TrimRight(out.String(), "\n") + "\n", nil
		}
		s.output = output
		out.WriteString(s.String())
	}
	return strings.TrimRight(out.String(), "\n") + "\n", nil
}

// parseStep reads the directive that starts at line i and skips what it expects.
func parseStep(lines []string, i int) (int, step, error) {
	s := step{line: strings.TrimSpace(lines[i])}
	i++
	for strings.HasSuffix(s.line, `\`) && i < len(lines) {
		s.line = strings.TrimSuffix(s.line, `\`) + " " + strings.TrimSpace(lines[i])
		i++
	}
	for i < len(lines) && lines[i] != "----" {
		s.input = append(s.input, lines[i])
		i++
	}
	if i == len(lines) {
		return 0, s, fmt.Errorf("no ---- after %q", s.line)
	}
	i++
	if i < len(lines) && lines[i] == "----" {
		for i++; i+1 < len(lines) && (lines[i] != "----" || lines[i+1] != "----"); i++ {
		}
		return i + 2, s, nil
	}
	for i < len(lines) && strings.TrimSpace(lines[i]) != "" {
		i++
	}
	return i, s, nil
}
