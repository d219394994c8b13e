// Runs scripts of rafttest/ on etcd/raft, to compare what both show. tools/differential drives it.
//
//	etcd_raft record FILE...                   writes what etcd/raft shows into the scripts
//	etcd_raft generate -out DIR -seeds A..B    writes scripts that a seed makes up, recorded likewise
//
// The library is used through its public doors only. A script on which it fails an assertion ends
// before the command that made it fail.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"go.etcd.io/raft/v3"
)

func main() {
	// What the library says about failing goes to nobody: the script ends there.
	raft.SetLogger(&raft.DefaultLogger{Logger: log.New(io.Discard, "", 0)})
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "etcd_raft:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("needs record or generate")
	}
	switch args[0] {
	case "record":
		for _, path := range args[1:] {
			if err := recordFile(path); err != nil {
				return err
			}
		}
		return nil
	case "generate":
		return generateFiles(args[1:])
	}
	return fmt.Errorf("unknown command %s", args[0])
}

func recordFile(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	recorded, err := record(string(text))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, []byte(recorded), 0o644)
}

func generateFiles(args []string) error {
	flags := flag.NewFlagSet("generate", flag.ContinueOnError)
	out := flags.String("out", ".", "folder to write to")
	seeds := flags.String("seeds", "1..1", "seeds, as A..B")
	steps := flags.Int("steps", 60, "commands in a script")
	extended := flags.Bool("extended", false, "also use the commands that etcd/raft does not have")
	if err := flags.Parse(args); err != nil {
		return err
	}
	first, last, found := strings.Cut(*seeds, "..")
	if !found {
		last = first
	}
	from, err := strconv.ParseInt(first, 10, 64)
	if err != nil {
		return err
	}
	to, err := strconv.ParseInt(last, 10, 64)
	if err != nil {
		return err
	}
	for seed := from; seed <= to; seed++ {
		path := filepath.Join(*out, fmt.Sprintf("seed_%06d.txt", seed))
		if err := os.WriteFile(path, []byte(generate(seed, *steps, *extended)), 0o644); err != nil {
			return err
		}
	}
	return nil
}
