// Measures etcd/raft with the workloads of //raft:raft_benchmark, for tools/compare: whole groups in
// one process, without serialisation, over memory storage, with pre-vote and check quorum on.
//
// Each line of output is a workload, nanoseconds of processor time, allocations, and messages, all
// per operation, divided by tabs; "-" is what was not measured. Processor time counts the garbage
// collector, which works on other threads.
//
// Built for v3.7 as it is, for v3.6 with `go build -modfile=v3_6.mod -tags=v3_6`.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"runtime"
	"syscall"
	"time"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/quorum"
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// --- A group, and the least that an embedder has to do for it ---

type group struct {
	nodes    []*raft.RawNode
	storages []*raft.MemoryStorage
	cutOff   uint64
	messages int
	reads    int
}

func config(id uint64, storage raft.Storage) *raft.Config {
	return &raft.Config{
		ID: id, Storage: storage, ElectionTick: 10, HeartbeatTick: 1, PreVote: true,
		CheckQuorum: true, MaxSizePerMsg: 1 << 20, MaxInflightMsgs: 256,
		Logger: &raft.DefaultLogger{Logger: log.New(io.Discard, "", 0)},
	}
}

func newGroup(size int) *group {
	voters := make([]uint64, size)
	for i := range voters {
		voters[i] = uint64(i + 1)
	}
	g := &group{}
	for _, id := range voters {
		storage := founded(voters)
		node, err := raft.NewRawNode(config(id, storage))
		must(err)
		g.storages = append(g.storages, storage)
		g.nodes = append(g.nodes, node)
	}
	must(g.leader().Campaign())
	g.pump()
	if g.leader().BasicStatus().RaftState != raft.StateLeader {
		panic("nobody else ran")
	}
	return g
}

func (g *group) leader() *raft.RawNode { return g.nodes[0] }

// Until nobody has anything to do.
func (g *group) pump() {
	for worked := true; worked; {
		worked = false
		for i, node := range g.nodes {
			if !node.HasReady() {
				continue
			}
			worked = true
			ready := node.Ready()
			if !raft.IsEmptyHardState(ready.HardState) {
				must(g.storages[i].SetHardState(ready.HardState))
			}
			must(g.storages[i].Append(ready.Entries))
			for _, m := range ready.Messages {
				g.messages++
				if target(m) != g.cutOff {
					must(g.nodes[target(m)-1].Step(m))
				}
			}
			g.reads += len(ready.ReadStates)
			node.Advance(ready)
		}
	}
}

// Lets go of what all have applied.
func (g *group) compact() {
	for i, node := range g.nodes {
		applied := node.BasicStatus().Applied
		if first, _ := g.storages[i].FirstIndex(); applied >= first {
			must(g.storages[i].Compact(applied))
		}
	}
}

// --- Measuring ---

var budget = flag.Duration("time", 300*time.Millisecond, "for each workload")

func processorTime() time.Duration {
	var usage syscall.Rusage
	must(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func allocations() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.Mallocs
}

// Runs `round`, of `operations` each, as often as the budget allows. The caller's payload takes
// `own` allocations per operation, which are not counted.
func measure(name string, g *group, operations, own float64, round func()) {
	for range 100 {
		round()
	}
	messages := 0
	for rounds := 64; ; rounds *= 2 {
		if g != nil {
			messages = g.messages
		}
		before, start := allocations(), processorTime()
		for range rounds {
			round()
		}
		took, after := processorTime()-start, allocations()
		if took < *budget {
			continue
		}
		total := float64(rounds) * operations
		sent := "-"
		if g != nil {
			sent = fmt.Sprintf("%.2f", float64(g.messages-messages)/total)
		}
		fmt.Printf("%s\t%.1f\t%.2f\t%s\n", name, float64(took.Nanoseconds())/total,
			float64(after-before)/total-own, sent)
		return
	}
}

func commits(name string, bytes, together int) {
	g := newGroup(3)
	payload := make([]byte, bytes)
	round := 0
	measure(name, g, float64(together), 0, func() {
		for range together {
			must(g.leader().Propose(payload))
		}
		g.pump()
		if round++; round%64 == 0 {
			g.compact()
		}
	})
}

func reads() {
	g := newGroup(3)
	number := uint64(0)
	measure("read_index_64", g, 64, 1, func() {
		for range 64 {
			number++ // etcd/raft wants them to differ.
			context := make([]byte, 8)
			for i := range context {
				context[i] = byte(number >> (8 * i))
			}
			g.leader().ReadIndex(context)
		}
		g.pump()
	})
}

func heartbeats() {
	g := newGroup(3)
	measure("heartbeat_round", g, 1, 0, func() {
		g.leader().Tick()
		g.pump()
	})
}

func idleTick() {
	const groups = 10000
	var nodes []*raft.RawNode
	for range groups {
		c := config(1, founded([]uint64{1, 2, 3}))
		c.ElectionTick = 1 << 30
		node, err := raft.NewRawNode(c)
		must(err)
		nodes = append(nodes, node)
	}
	measure("idle_tick", nil, groups, 0, func() {
		for _, node := range nodes {
			node.Tick()
		}
	})
}

func heap() float64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return float64(stats.HeapAlloc)
}

func memory() {
	const groups = 2000
	storages := make([]*raft.MemoryStorage, groups)
	nodes := make([]*raft.RawNode, groups)
	logger := config(1, nil).Logger
	empty := heap()
	for i := range storages {
		storages[i] = founded([]uint64{1, 2, 3})
	}
	stored := heap()
	for i := range nodes {
		c := config(1, storages[i])
		c.Logger = logger
		node, err := raft.NewRawNode(c)
		must(err)
		nodes[i] = node
	}
	fmt.Printf("idle_bytes_node\t%.0f\t-\t-\n", (heap()-stored)/groups)
	fmt.Printf("idle_bytes_storage\t%.0f\t-\t-\n", (stored-empty)/groups)
	runtime.KeepAlive(storages)
	runtime.KeepAlive(nodes)
}

type acked map[uint64]quorum.Index

func (a acked) AckedIndex(id uint64) (quorum.Index, bool) {
	index, found := a[id]
	return index, found
}

var committed quorum.Index // So that the work is done.

func committedIndex(voters int) {
	config := quorum.JointConfig{quorum.MajorityConfig{}, nil}
	indexes := acked{}
	for id := uint64(1); id <= uint64(voters); id++ {
		config[0][id] = struct{}{}
		indexes[id] = quorum.Index(100 + id*7919%13)
	}
	measure(fmt.Sprintf("committed_index_%d", voters), nil, 1, 0, func() {
		committed += config.CommittedIndex(indexes)
	})
}

func catchUp() {
	const entries = 100000
	g := newGroup(3)
	g.cutOff = 3
	payload := make([]byte, 128)
	for range entries / 64 {
		for range 64 {
			must(g.leader().Propose(payload))
		}
		g.pump()
	}
	g.cutOff = 0
	runtime.GC()
	before, start := allocations(), processorTime()
	last := g.leader().BasicStatus().Applied
	for g.nodes[2].BasicStatus().Applied < last {
		g.leader().Tick() // The heartbeat's answer tells that the follower is back.
		g.pump()
	}
	total := float64(entries / 64 * 64)
	fmt.Printf("catch_up\t%.1f\t%.2f\t-\n", float64((processorTime()-start).Nanoseconds())/total,
		float64(allocations()-before)/total)
}

func main() {
	flag.Parse()
	commits("commit_128", 128, 1)
	commits("commit_64x128", 128, 64)
	commits("commit_1m", 1<<20, 1)
	reads()
	heartbeats()
	idleTick()
	memory()
	for _, voters := range []int{3, 5, 7} {
		committedIndex(voters)
	}
	m := anAppend(64, 128)
	data := encode(m)
	measure("encode_64x128", nil, 1, 0, func() { data = encode(m) })
	measure("decode_64x128", nil, 1, 0, func() { decode(data) })
	catchUp()
}
