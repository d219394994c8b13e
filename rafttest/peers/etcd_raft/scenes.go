package main

import (
	"fmt"
	"sort"
	"strings"

	"go.etcd.io/raft/v3"
)

// Situations that random commands hardly ever run into: each scene is a short plan, with commands of
// the walk in between.

func init() {
	for name, scene := range map[string]func(g *walk, leader, other int){
		"diverge":        diverge,
		"slow disk":      slowDisk,
		"leave behind":   leaveBehind,
		"count inactive": countInactive,
		"hand over":      handOver,
		"go joint":       goJoint,
	} {
		actions["scene: "+name] = action{weight: 2, do: func(g *walk) {
			leader := g.ensureLeader()
			other := g.anyNode()
			if leader == 0 || other == leader {
				return
			}
			scene(g, leader, other)
		}}
	}
}

// ensureLeader gives a leader, after an election if there is none; 0 if that fails.
func (g *walk) ensureLeader() int {
	find := func() int {
		leader := 0
		for id := 1; id <= g.size(); id++ {
			s := g.node(id)
			if s.RaftState == raft.StateLeader && (leader == 0 || s.GetTerm() > g.node(leader).GetTerm()) {
				leader = id
			}
		}
		return leader
	}
	if leader := find(); leader != 0 {
		return leader
	}
	g.dof("campaign %d", g.anyNode())
	g.do("stabilize")
	if g.failed {
		return 0
	}
	return find()
}

// without are all nodes but these, as arguments.
func (g *walk) without(ids ...int) string {
	sort.Ints(ids)
	var rest []string
	for id := 1; id <= g.size(); id++ {
		if i := sort.SearchInts(ids, id); i == len(ids) || ids[i] != id {
			rest = append(rest, fmt.Sprint(id))
		}
	}
	return strings.Join(rest, " ")
}

// between lets the walk wander now and then.
func (g *walk) between() {
	for !g.failed && g.chance(25) {
		g.step()
	}
}

func (g *walk) proposeSome(id, most int) {
	for n := 1 + g.rand.Intn(most); n > 0; n-- {
		g.dof("propose %d %s", id, g.word())
	}
}

// A follower gets entries that never commit; another leader overwrites them, maybe before they
// were stored, or while they are.
func diverge(g *walk, leader, other int) {
	g.proposeSome(leader, 4)
	g.dof("process-ready %d", leader)
	if g.chance(70) {
		g.dof("deliver-msgs %d", other)
	}
	if g.chance(50) {
		g.dof("process-ready %d", other)
	}
	g.between()
	rest := g.without(leader, other)
	if rest == "" || g.failed {
		return
	}
	g.dof("deliver-msgs drop=(%s)", strings.ReplaceAll(rest, " ", ","))
	candidate := pick(g, strings.Fields(rest)...)
	g.dof("campaign %s", candidate)
	g.dof("stabilize %s", pick(g, rest, rest+fmt.Sprintf(" %d", other)))
	g.between()
	if g.chance(60) {
		g.dof("propose %s %s", candidate, g.word())
	}
	g.dof("process-ready %s", candidate)
	g.dof("deliver-msgs %d", other)
	g.between()
	g.dof("process-ready %d", other)
	g.between()
	if g.chance(50) {
		g.dof("stabilize %s %d", rest, other)
	}
}

// A disk that is slow: several Readies are on their way to it at once.
func slowDisk(g *walk, leader, other int) {
	for n := 2 + g.rand.Intn(4); n > 0 && !g.failed; n-- {
		g.proposeSome(leader, 3)
		g.dof("process-ready %d", leader)
		g.dof("deliver-msgs %d", other)
		g.dof("process-ready %d", other)
		if g.chance(30) {
			g.dof("process-append-thread %d", pick(g, leader, other))
		}
		g.between()
	}
	if g.chance(40) {
		g.dof("campaign %d", pick(g, other, g.anyNode()))
		g.between()
	}
	for n := g.rand.Intn(6); n > 0; n-- {
		g.dof("process-append-thread %d", pick(g, leader, other))
		g.dof("deliver-msgs %d", pick(g, leader, other))
	}
}

// A follower misses so much that it needs a snapshot.
func leaveBehind(g *walk, leader, other int) {
	rest := g.without(other)
	g.proposeSome(leader, 4)
	g.dof("stabilize %s", rest)
	g.dof("deliver-msgs drop=(%d)", other)
	if g.chance(40) {
		g.dof("report-unreachable %d %d", leader, other)
	}
	g.between()
	if g.failed {
		return
	}
	for n := 1 + g.rand.Intn(2); n > 0; n-- {
		compactNode(g, leader)
	}
	if g.extended && g.chance(25) {
		g.dof("set-snapshot-unavailable %d true", leader)
	}
	g.dof("set-randomized-election-timeout %d timeout=100", leader)
	g.dof("tick-heartbeat %d", leader)
	g.dof("process-ready %d", leader)
	g.dof("deliver-msgs %d", other)
	g.dof("process-ready %d", other)
	g.dof("deliver-msgs %d", leader)
	g.between()
	if g.chance(50) {
		g.proposeSome(leader, 3)
	}
	g.dof("process-ready %d", leader)
	g.dof("status %d", leader)
	if g.chance(30) {
		g.dof("deliver-msgs drop=(%d)", other)
	}
	g.between()
	if g.extended && g.chance(60) {
		g.dof("report-snapshot %d %d status=%s", leader, other, pick(g, "finish", "failure"))
		g.dof("status %d", leader)
	}
	if g.chance(50) {
		g.dof("send-snapshot %d %d", leader, other)
	}
	g.dof("deliver-msgs %d", other)
	g.between()
	g.dof("process-ready %d", other)
	if g.chance(60) {
		g.proposeSome(leader, 2)
		g.dof("stabilize %d %d", leader, other)
	}
	g.between()
	if g.chance(50) {
		g.do("stabilize")
	}
}

func compactNode(g *walk, id int) {
	first := must(g.cluster.env.Nodes[id-1].Storage.FirstIndex())
	applied := g.node(id).Applied
	if applied >= first {
		g.dof("compact %d %d", id, applied-uint64(g.rand.Int63n(int64(min(applied-first+1, 3)))))
	}
}

// A follower is not heard of for an election timeout.
func countInactive(g *walk, leader, other int) {
	for n := 1 + g.rand.Intn(2); n > 0 && !g.failed; n-- {
		g.dof("set-randomized-election-timeout %d timeout=100", leader)
		g.dof("tick-election %d", leader)
		g.dof("stabilize %s", g.without(other))
		g.dof("deliver-msgs drop=(%d)", other)
		g.between()
	}
	if g.failed {
		return
	}
	g.dof("status %d", leader)
	if g.chance(60) {
		compactNode(g, leader)
		g.proposeSome(leader, 2)
		g.dof("process-ready %d", leader)
	}
	if g.chance(40) {
		g.dof("transfer-leadership from=%d to=%d", leader, other)
		g.dof("process-ready %d", leader)
	}
	if g.chance(40) {
		g.dof("report-unreachable %d %d", leader, other)
	}
	g.between()
	g.do("stabilize")
}

// Leadership moves, maybe to somebody who is behind, while things go on.
func handOver(g *walk, leader, other int) {
	if g.chance(50) {
		g.proposeSome(leader, 3)
		g.dof("process-ready %d", leader)
		if g.chance(50) {
			g.dof("deliver-msgs drop=(%d)", other)
		}
	}
	g.dof("transfer-leadership from=%d to=%d", leader, other)
	for n := g.rand.Intn(5); n > 0 && !g.failed; n-- {
		g.step()
	}
	switch g.rand.Intn(3) {
	case 0:
		g.do("stabilize")
	case 1:
		g.dof("stabilize %d %d", leader, other)
	case 2:
		g.dof("set-randomized-election-timeout %d timeout=100", leader)
		g.dof("tick-election %d", leader)
	}
	g.between()
}

// A joint configuration, with something happening in it.
func goJoint(g *walk, leader, other int) {
	input := fmt.Sprintf("%s%d", pick(g, "v", "l", "r"), other)
	for n := g.rand.Intn(3); n > 0; n-- {
		input += fmt.Sprintf(" %s%d", pick(g, "v", "l", "r"), g.anyNode())
	}
	g.do(fmt.Sprintf("propose-conf-change %d transition=%s", leader, pick(g, "auto", "implicit", "explicit")), input)
	if g.chance(50) {
		g.dof("stabilize %s", pick(g, g.several(), g.without(other)))
	} else {
		for n := 2 + g.rand.Intn(8); n > 0 && !g.failed; n-- {
			g.step()
		}
	}
	switch g.rand.Intn(4) {
	case 0:
		g.dof("campaign %d", other)
	case 1:
		g.dof("transfer-leadership from=%d to=%d", leader, other)
	case 2:
		g.do(fmt.Sprintf("propose-conf-change %d", leader), "")
	}
	g.between()
	if g.chance(60) {
		g.do("stabilize")
	}
}
