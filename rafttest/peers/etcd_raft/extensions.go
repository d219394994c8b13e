package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/cockroachdb/datadriven"
	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// The commands that etcd/raft's environment does not have, by name.
var extensions map[string]func(*cluster, datadriven.TestData) error

func init() {
	extensions = map[string]func(*cluster, datadriven.TestData) error{
		"read-index":               readIndex,
		"propose-batch":            proposeBatch,
		"report-snapshot":          reportSnapshot,
		"set-snapshot-unavailable": setSnapshotUnavailable,
		"send-snapshot":            sendSnapshot,
		"dup-msgs":                 dupMsgs,
		"reorder-msgs":             reorderMsgs,
		"step":                     stepMsg,
		"bootstrap":                bootstrap,
		"basic-status":             basicStatus,
		"restart":                  restart,
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func number(text string) uint64 { return must(strconv.ParseUint(text, 10, 64)) }

// nodeAt is the position of the node that an argument names.
func nodeAt(c *cluster, d datadriven.TestData, position int) int {
	id := number(d.CmdArgs[position].Key)
	if id == 0 || id > uint64(len(c.env.Nodes)) {
		panic("no such node")
	}
	return int(id - 1)
}

// extraOptions are those of add-nodes that the environment ignores.
func extraOptions(d datadriven.TestData) func(*raft.Config) {
	return func(config *raft.Config) {
		applyLimitGiven := false
		for _, arg := range d.CmdArgs[1:] {
			if arg.Key == "max-committed-size-per-ready" {
				applyLimitGiven = true
			}
		}
		for _, arg := range d.CmdArgs[1:] {
			if len(arg.Vals) == 0 {
				continue
			}
			value := arg.Vals[len(arg.Vals)-1]
			switch arg.Key {
			case "max-size-per-msg":
				config.MaxSizePerMsg = number(value)
				if !applyLimitGiven {
					config.MaxCommittedSizePerReady = config.MaxSizePerMsg
				}
			case "max-uncommitted-size":
				config.MaxUncommittedEntriesSize = number(value)
			case "max-inflight-bytes":
				config.MaxInflightBytes = number(value)
			case "disable-proposal-forwarding":
				config.DisableProposalForwarding = must(strconv.ParseBool(value))
			case "election-tick":
				config.ElectionTick = int(number(value))
			case "heartbeat-tick":
				config.HeartbeatTick = int(number(value))
			}
		}
	}
}

func readIndex(c *cluster, d datadriven.TestData) error {
	c.env.Nodes[nodeAt(c, d, 0)].ReadIndex([]byte(d.CmdArgs[1].Key))
	return nil
}

func proposeBatch(c *cluster, d datadriven.TestData) error {
	node := nodeAt(c, d, 0)
	id := uint64(node + 1)
	m := &pb.Message{Type: pb.MessageType_MsgProp.Enum(), From: &id}
	for _, arg := range d.CmdArgs[1:] {
		m.Entries = append(m.Entries, &pb.Entry{Data: []byte(arg.Key)})
	}
	return c.env.Nodes[node].Step(m)
}

func reportSnapshot(c *cluster, d datadriven.TestData) error {
	status := raft.SnapshotFinish
	if d.CmdArgs[2].Vals[0] == "failure" {
		status = raft.SnapshotFailure
	}
	c.env.Nodes[nodeAt(c, d, 0)].ReportSnapshot(uint64(nodeAt(c, d, 1)+1), status)
	return nil
}

func setSnapshotUnavailable(c *cluster, d datadriven.TestData) error {
	c.stores[nodeAt(c, d, 0)].unavailable = must(strconv.ParseBool(d.CmdArgs[1].Key))
	return nil
}

// As the environment's own, except that there may be no snapshot.
func sendSnapshot(c *cluster, d datadriven.TestData) error {
	from, to := nodeAt(c, d, 0), nodeAt(c, d, 1)
	if c.stores[from].unavailable {
		return nil
	}
	return c.env.SendSnapshot(from, to)
}

// onNetwork selects the messages to the node of the first argument, of the wanted type; not those
// that stay within a server.
func onNetwork(c *cluster, d datadriven.TestData) func(*pb.Message) bool {
	to := uint64(nodeAt(c, d, 0) + 1)
	wanted := ""
	for _, arg := range d.CmdArgs {
		if arg.Key == "type" {
			wanted = arg.Vals[0]
		}
	}
	return func(m *pb.Message) bool {
		return m.GetTo() == to && (wanted == "" || m.GetType().String() == wanted) && !local(m)
	}
}

func local(m *pb.Message) bool {
	return m.GetFrom() == m.GetTo() || raft.IsLocalMsgTarget(m.GetFrom()) ||
		raft.IsLocalMsgTarget(m.GetTo())
}

func quoted(data []byte) string { return strconv.Quote(string(data)) }

func dupMsgs(c *cluster, d datadriven.TestData) error {
	matches := onNetwork(c, d)
	var copies []*pb.Message
	for _, m := range c.env.Messages {
		if matches(m) {
			copies = append(copies, proto.Clone(m).(*pb.Message))
			c.env.Output.WriteString("duplicated: " + raft.DescribeMessage(m, quoted) + "\n")
		}
	}
	if len(copies) == 0 {
		c.env.Output.WriteString("no messages")
	}
	c.env.Messages = append(c.env.Messages, copies...)
	return nil
}

func reorderMsgs(c *cluster, d datadriven.TestData) error {
	matches := onNetwork(c, d)
	var places []int
	for i, m := range c.env.Messages {
		if matches(m) {
			places = append(places, i)
		}
	}
	if len(places) == 0 {
		c.env.Output.WriteString("no messages")
	}
	for i, j := 0, len(places)-1; i < j; i, j = i+1, j-1 {
		a, b := places[i], places[j]
		c.env.Messages[a], c.env.Messages[b] = c.env.Messages[b], c.env.Messages[a]
	}
	return nil
}

func stepMsg(c *cluster, d datadriven.TestData) error {
	node := nodeAt(c, d, 0)
	to := uint64(node + 1)
	m := &pb.Message{To: &to}
	for _, arg := range d.CmdArgs[1:] {
		value := arg.Vals[0]
		switch arg.Key {
		case "type":
			m.Type = pb.MessageType(pb.MessageType_value[value]).Enum()
		case "from":
			m.From = new(number(value))
		case "term":
			m.Term = new(number(value))
		case "log-term":
			m.LogTerm = new(number(value))
		case "index":
			m.Index = new(number(value))
		case "commit":
			m.Commit = new(number(value))
		case "reject":
			m.Reject = new(must(strconv.ParseBool(value)))
		case "reject-hint":
			m.RejectHint = new(number(value))
		case "context":
			m.Context = []byte(value)
		case "entries":
			for _, entry := range arg.Vals {
				parts := strings.SplitN(entry, "/", 3)
				m.Entries = append(m.Entries, &pb.Entry{
					Term: new(number(parts[0])), Index: new(number(parts[1])), Data: []byte(parts[2]),
				})
			}
		}
	}
	if m.GetType() == pb.MessageType_MsgSnap {
		m.Snapshot = &pb.Snapshot{}
	}
	return c.env.Nodes[node].Step(m)
}

func bootstrap(c *cluster, d datadriven.TestData) error {
	var peers []raft.Peer
	for _, id := range d.CmdArgs[1].Vals {
		peers = append(peers, raft.Peer{ID: number(id)})
	}
	return c.env.Nodes[nodeAt(c, d, 0)].Bootstrap(peers)
}

func basicStatus(c *cluster, d datadriven.TestData) error {
	s := c.env.Nodes[nodeAt(c, d, 0)].BasicStatus()
	fmt.Fprintf(c.env.Output, "id=%d term=%d vote=%d commit=%d applied=%d lead=%d state=%s transferee=%d",
		s.ID, s.GetTerm(), s.GetVote(), s.GetCommit(), s.Applied, s.Lead, s.RaftState, s.LeadTransferee)
	return nil
}

func restart(c *cluster, d datadriven.TestData) error {
	i := nodeAt(c, d, 0)
	node, s := &c.env.Nodes[i], c.stores[i]
	start := must(s.FirstIndex()) - 1
	var kept []*pb.Snapshot
	for _, snapshot := range node.History {
		if snapshot.GetMetadata().GetIndex() <= start {
			kept = append(kept, snapshot)
		}
	}
	if len(kept) == 0 || kept[len(kept)-1].GetMetadata().GetIndex() != start {
		if s.received.GetMetadata().GetIndex() != start {
			return errors.New("cannot restart: no state machine snapshot at the first index")
		}
		kept = append(kept, s.received)
	}
	node.History = kept
	s.confState = kept[len(kept)-1].GetMetadata().GetConfState()
	if s.confState == nil {
		s.confState = &pb.ConfState{}
	}
	node.AppendWork, node.ApplyWork = nil, nil
	id := uint64(i + 1)
	var messages []*pb.Message
	for _, m := range c.env.Messages {
		if m.GetTo() != id || !local(m) {
			messages = append(messages, m)
		}
	}
	c.env.Messages = messages
	config := *node.Config
	config.Applied = 0
	config.Storage = s
	node.Config = &config
	var err error
	node.RawNode, err = raft.NewRawNode(node.Config)
	return err
}
