package main

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/cockroachdb/datadriven"
	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
	"go.etcd.io/raft/v3/rafttest"
)

// cluster is etcd/raft's own environment for scripts, with the commands that it lacks (extensions.go).
type cluster struct {
	env *rafttest.InteractionEnv
	// Of the nodes about to be added.
	onConfig func(*raft.Config)
	stores   []*store
}

func newCluster() *cluster {
	c := &cluster{}
	c.env = rafttest.NewInteractionEnv(&rafttest.InteractionOpts{
		OnConfig: func(config *raft.Config) {
			if c.onConfig != nil {
				c.onConfig(config)
			}
			// By now the environment has made a storage for the node; ours goes around it.
			s := &store{Storage: config.Storage.(rafttest.Storage), cluster: c, node: len(c.stores)}
			c.stores = append(c.stores, s)
			config.Storage = s
		},
		SetRandomizedElectionTimeout: setRandomizedElectionTimeout,
	})
	return c
}

// store lets a script take away snapshots and restart nodes.
type store struct {
	rafttest.Storage
	cluster     *cluster
	node        int
	received    *pb.Snapshot  // The last one that was applied; nil until then.
	confState   *pb.ConfState // For a restart, in place of the one that the storage knows.
	unavailable bool
}

func (s *store) Snapshot() (*pb.Snapshot, error) {
	if s.unavailable {
		return nil, raft.ErrSnapshotTemporarilyUnavailable
	}
	history := s.cluster.env.Nodes[s.node].History
	return history[len(history)-1], nil
}

func (s *store) ApplySnapshot(snapshot *pb.Snapshot) error {
	if err := s.Storage.ApplySnapshot(snapshot); err != nil {
		return err
	}
	s.received = snapshot
	s.confState = nil
	return nil
}

func (s *store) InitialState() (*pb.HardState, *pb.ConfState, error) {
	hardState, confState, err := s.Storage.InitialState()
	if s.confState != nil {
		confState = s.confState
	}
	return hardState, confState, err
}

// The library has no public door for this.
func setRandomizedElectionTimeout(node *raft.RawNode, timeout int) {
	core := reflect.ValueOf(node).Elem().FieldByName("raft").Elem()
	field := core.FieldByName("randomizedElectionTimeout")
	reflect.NewAt(field.Type(), unsafe.Pointer(field.UnsafeAddr())).Elem().SetInt(int64(timeout))
}

// handle executes a directive. Not ok if the library, or the script, failed an assertion: the
// environment is of no use after that.
func (c *cluster) handle(line string, input []string) (output string, ok bool) {
	cmd, args, err := datadriven.ParseLine(line)
	if err != nil {
		return "", false
	}
	data := datadriven.TestData{Cmd: cmd, CmdArgs: args, Input: strings.TrimSpace(strings.Join(input, "\n"))}
	done := make(chan struct{})
	go func() { // Failing a test ends its goroutine.
		defer close(done)
		defer func() {
			if failure := recover(); failure != nil {
				output, ok = fmt.Sprint(failure), false
			}
		}()
		if extension := extensions[cmd]; extension != nil {
			output = c.show(func() error { return extension(c, data) })
		} else {
			c.onConfig = nil
			if cmd == "add-nodes" {
				c.onConfig = extraOptions(data)
			}
			output = c.env.Handle(&testing.T{}, data)
			for i := range c.env.Nodes {
				c.env.Nodes[i].Storage = c.stores[i]
			}
		}
		ok = true
	}()
	select {
	case <-done:
		return plain(output), ok
	case <-time.After(20 * time.Second): // Two nodes that never stop talking, say.
		return "", false
	}
}

// An assertion's words, in which the library prints a protocol buffer as it comes.
var confStateInWarning = regexp.MustCompile(`not in the ConfState (.*); should never happen`)

// plain replaces such words by ours.
func plain(output string) string {
	return confStateInWarning.ReplaceAllStringFunc(output, func(warning string) string {
		lists := map[string][]string{}
		for _, field := range strings.Fields(confStateInWarning.FindStringSubmatch(warning)[1]) {
			name, value, _ := strings.Cut(field, ":")
			lists[name] = append(lists[name], value)
		}
		autoLeave := "false"
		if value := lists["auto_leave"]; value != nil {
			autoLeave = value[0]
		}
		return fmt.Sprintf("not in the ConfState Voters:%v VotersOutgoing:%v Learners:%v LearnersNext:%v "+
			"AutoLeave:%s; should never happen", lists["voters"], lists["voters_outgoing"],
			lists["learners"], lists["learners_next"], autoLeave)
	})
}

// show is what a command of ours prints, in the manner of the environment.
func (c *cluster) show(command func() error) string {
	c.env.Output.Reset()
	if err := command(); err != nil {
		if c.env.Output.Quiet() {
			return err.Error()
		}
		c.env.Output.WriteString(err.Error())
	}
	if c.env.Output.Len() == 0 {
		return "ok"
	}
	return c.env.Output.String()
}
