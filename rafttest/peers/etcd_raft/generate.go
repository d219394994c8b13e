package main

import (
	"fmt"
	"math/rand"
	"os"
	"sort"
	"strings"

	"go.etcd.io/raft/v3"
)

// generate makes up a script from a seed: a group with random options, and a walk of random commands
// that mostly make sense where they stand. The same seed gives the same script, unless the library
// draws an election timeout of its own that shows, which the walk avoids.
func generate(seed int64, steps int, extended bool) string {
	g := &walk{
		rand:     rand.New(rand.NewSource(seed)),
		cluster:  newCluster(),
		extended: extended,
		weights:  map[string]int{},
	}
	fmt.Fprintf(&g.out, "# Made up from seed %d.\n", seed)
	g.setUp()
	for i := 0; i < steps && !g.failed; i++ {
		g.step()
	}
	g.finish()
	return g.out.String()
}

var debug = os.Getenv("DEBUG") != ""

type walk struct {
	rand     *rand.Rand
	cluster  *cluster
	extended bool
	weights  map[string]int // Of the actions of this walk; every walk likes other ones.
	out      strings.Builder
	failed   bool // The script ends here: the library failed an assertion, or lost a write.
}

// --- Saying it ---

func (g *walk) do(line string, input ...string) {
	if g.failed {
		return
	}
	if debug {
		fmt.Fprintln(os.Stderr, line, input)
	}
	output, ok := g.cluster.handle(line, input)
	if !ok {
		g.failed = true
		return
	}
	if g.out.Len() > 0 {
		g.out.WriteString("\n")
	}
	g.out.WriteString(step{line: line, input: input, output: output}.String())
	if strings.Contains(output, "can't apply snapshot and entries") {
		g.failed = true // A write is lost, and what follows makes no sense any more.
	}
}

func (g *walk) dof(format string, args ...any) { g.do(fmt.Sprintf(format, args...)) }

// --- Chance ---

func (g *walk) chance(percent int) bool { return g.rand.Intn(100) < percent }

func pick[T any](g *walk, from ...T) T { return from[g.rand.Intn(len(from))] }

// --- Looking ---

func (g *walk) size() int { return len(g.cluster.env.Nodes) }

func (g *walk) node(id int) raft.BasicStatus {
	return g.cluster.env.Nodes[id-1].BasicStatus()
}

func (g *walk) anyNode() int { return 1 + g.rand.Intn(g.size()) }

// one gives a random node among those that qualify, any node if none does.
func (g *walk) one(qualifies func(id int) bool) int {
	var ids []int
	for id := 1; id <= g.size(); id++ {
		if qualifies(id) {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 || g.chance(5) {
		return g.anyNode()
	}
	return pick(g, ids...)
}

func (g *walk) leader() int {
	if g.chance(10) {
		return g.anyNode()
	}
	return g.one(func(id int) bool { return g.node(id).RaftState == raft.StateLeader })
}

func (g *walk) recipient() int {
	return g.one(func(id int) bool {
		for _, m := range g.cluster.env.Messages {
			if m.GetTo() == uint64(id) {
				return true
			}
		}
		return false
	})
}

func (g *walk) several() string {
	perm := g.rand.Perm(g.size())
	var ids []string
	for _, i := range perm[:1+g.rand.Intn(g.size())] {
		ids = append(ids, fmt.Sprint(i+1))
	}
	return strings.Join(ids, " ")
}

// --- Words ---

func (g *walk) word() string {
	if g.chance(4) {
		return pick(g, `say"hi"`, `back\slash`, "tab\tin", "café", "世界", "zero\u200bwidth", "#hash",
			"[b]", "del\x7fete", "😀", "bad\xffutf8", "\u00a0nbsp\u00a0x", "\x01\x02", "e\u0301", "(p)", ",", "\ufeffbom",
			"\U000e0001tag", "\u2028sep.", "'q'", "pc%d", "`", "\ue000", "½", "\u0378", "--")
	}
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789-_"
	length := 1 + g.rand.Intn(6)
	if g.chance(20) {
		length = 1 + g.rand.Intn(60)
	}
	if g.chance(2) {
		length = 120 + g.rand.Intn(20)
	}
	word := make([]byte, length)
	for i := range word {
		word[i] = letters[g.rand.Intn(len(letters))]
	}
	return string(word)
}

// --- The beginning ---

func (g *walk) setUp() {
	for _, name := range g.names() {
		g.weights[name] = actions[name].weight * pick(g, 0, 1, 1, 1, 2, 4)
	}
	if g.chance(50) {
		g.dof("log-level %s", pick(g, "debug", "info", "warn", "none", "error", "DEBUG"))
	}
	members := 1 + g.rand.Intn(7)
	if g.chance(5) {
		members = 8 + g.rand.Intn(10)
	}
	var voters, learners []string
	for id := 1; id <= members; id++ {
		if id > 1 && g.chance(12) {
			learners = append(learners, fmt.Sprint(id))
		} else {
			voters = append(voters, fmt.Sprint(id))
		}
	}
	start := fmt.Sprintf("voters=(%s)", strings.Join(voters, pick(g, ",", ", ")))
	if len(learners) > 0 {
		start += fmt.Sprintf(" learners=(%s)", strings.Join(learners, ","))
	}
	index := pick(g, 2, 3, 5, 10, 11, 10, 9, 10, 126, 4294967294)
	startAt := func(index int) string { return start + fmt.Sprintf(" index=%d", index) }
	bootstrapped := g.extended && g.chance(8)
	if bootstrapped {
		startAt = func(int) string { return "" }
	}
	options := g.options()
	if g.chance(75) {
		g.dof("add-nodes %d %s%s", members, startAt(index), options)
	} else {
		behind := 0 // At most a minority, or what the others start with would not be committed.
		for id := 1; id <= members; id++ {
			at := index
			if index > 3 && 2*(behind+1) < len(voters) && g.chance(20) {
				at -= 1 + g.rand.Intn(index-2)%5
				behind++
			}
			g.dof("add-nodes 1 %s%s", startAt(max(at, 2)), pick(g, options, g.options()))
		}
	}
	if bootstrapped {
		for id := 1; id <= members; id++ {
			g.dof("bootstrap %d peers=(%s)", id, strings.Join(voters, ","))
		}
	}
	if g.chance(40) {
		g.dof("add-nodes %d%s", 1+g.rand.Intn(2), pick(g, "", options, g.options()))
	}
	if g.chance(50) {
		g.dof("campaign %d", g.anyNode())
		g.do("stabilize")
	}
	if g.chance(40) {
		g.dof("log-level %s", pick(g, "debug", "debug", "info", "warn", "none"))
	} else {
		g.do("log-level debug")
	}
}

func (g *walk) options() string {
	var b strings.Builder
	add := func(percent int, format string, args ...any) {
		if g.chance(percent) {
			fmt.Fprintf(&b, " "+format, args...)
		}
	}
	add(35, "async-storage-writes=true")
	add(35, "prevote=true")
	add(10, "prevote=false")
	checkQuorum := g.chance(30)
	if checkQuorum {
		b.WriteString(" checkquorum=true")
		add(30, "read-only=lease-based")
	} else {
		add(5, "read-only=safe")
	}
	add(30, "inflight=%d", pick(g, 1, 2, 3, 5))
	add(15, "step-down-on-removal=true")
	add(15, "disable-conf-change-validation=true")
	perMsg := -1
	if g.extended && g.chance(30) {
		perMsg = pick(g, 0, 10, 20, 60, 100, 200)
		fmt.Fprintf(&b, " max-size-per-msg=%d", perMsg)
	}
	if perMsg == 0 || g.chance(30) {
		fmt.Fprintf(&b, " max-committed-size-per-ready=%d", pick(g, 1, 4, 8, 10, 12, 14, 20, 25, 40, 100, 300))
	}
	if g.extended {
		add(20, "max-uncommitted-size=%d", pick(g, 0, 1, 3, 10, 30, 100))
		if perMsg >= 0 && g.chance(50) {
			fmt.Fprintf(&b, " max-inflight-bytes=%d", pick(g, perMsg, perMsg+1, perMsg+20, 300))
		}
		add(10, "disable-proposal-forwarding=true")
		if g.chance(10) {
			fmt.Fprintf(&b, " election-tick=%d", pick(g, 3, 4, 5, 10))
			add(50, "heartbeat-tick=2")
		}
	}
	return b.String()
}

// --- The walk ---

type action struct {
	weight   int
	extended bool
	do       func(g *walk)
}

var actions map[string]action

func init() {
	actions = map[string]action{
		"campaign":        {weight: 4, do: func(g *walk) { g.dof("campaign %d", g.anyNode()) }},
		"propose":         {weight: 14, do: func(g *walk) { g.dof("propose %d %s", g.leader(), g.word()) }},
		"burst":           {weight: 4, do: burst},
		"conf-change":     {weight: 7, do: confChange},
		"leave-joint":     {weight: 2, do: func(g *walk) { g.do(fmt.Sprintf("propose-conf-change %d", g.leader()), "") }},
		"stabilize":       {weight: 9, do: stabilize},
		"process-ready":   {weight: 16, do: processReady},
		"deliver":         {weight: 18, do: deliver},
		"append-thread":   {weight: 8, do: appendThread},
		"apply-thread":    {weight: 6, do: applyThread},
		"tick":            {weight: 8, do: tick},
		"heartbeat":       {weight: 6, do: heartbeat},
		"compact":         {weight: 4, do: compact},
		"transfer":        {weight: 3, do: transfer},
		"forget-leader":   {weight: 2, do: func(g *walk) { g.dof("forget-leader %d", g.anyNode()) }},
		"unreachable":     {weight: 3, do: func(g *walk) { g.dof("report-unreachable %d %d", g.leader(), g.anyNode()) }},
		"send-snapshot":   {weight: 2, do: sendSnapshotTo},
		"status":          {weight: 4, do: func(g *walk) { g.dof("status %d", g.leader()) }},
		"raft-state":      {weight: 2, do: func(g *walk) { g.do("raft-state") }},
		"raft-log":        {weight: 2, do: func(g *walk) { g.dof("raft-log %d", g.anyNode()) }},
		"log-level":       {weight: 1, do: func(g *walk) { g.dof("log-level %s", pick(g, "debug", "info", "warn", "none")) }},
		"odd":             {weight: 1, do: odd},
		"read-index":      {weight: 8, extended: true, do: func(g *walk) { g.dof("read-index %d %s", pick(g, g.leader(), g.anyNode()), g.word()) }},
		"propose-batch":   {weight: 4, extended: true, do: proposeSome},
		"report-snapshot": {weight: 4, extended: true, do: reportSomeSnapshot},
		"unavailable":     {weight: 2, extended: true, do: func(g *walk) { g.dof("set-snapshot-unavailable %d %t", g.leader(), g.chance(50)) }},
		"dup":             {weight: 3, extended: true, do: func(g *walk) { g.dof("dup-msgs %d%s", g.recipient(), g.typeOption()) }},
		"reorder":         {weight: 3, extended: true, do: func(g *walk) { g.dof("reorder-msgs %d%s", g.recipient(), g.typeOption()) }},
		"basic-status":    {weight: 2, extended: true, do: func(g *walk) { g.dof("basic-status %d", g.anyNode()) }},
		"restart":         {weight: 3, extended: true, do: func(g *walk) { g.dof("restart %d", g.anyNode()) }},
		"step":            {weight: 2, extended: true, do: madeUp},
	}
}

// names are those of the actions to choose from, in the same order every time.
func (g *walk) names() []string {
	var names []string
	for name, action := range actions {
		if !action.extended || g.extended {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return names
}

func (g *walk) step() {
	names := g.names()
	total := 0
	for _, name := range names {
		total += g.weights[name]
	}
	if total == 0 {
		g.do("stabilize")
		return
	}
	at := g.rand.Intn(total)
	for _, name := range names {
		if at -= g.weights[name]; at < 0 {
			actions[name].do(g)
			return
		}
	}
}

func burst(g *walk) {
	leader := g.leader()
	for n := 2 + g.rand.Intn(5); n > 0; n-- {
		g.dof("propose %d %s", leader, g.word())
	}
}

func confChange(g *walk) {
	line := fmt.Sprintf("propose-conf-change %d", g.leader())
	operations := 1
	switch g.rand.Intn(4) {
	case 0:
		line += " v1=true"
	case 1:
		line += pick(g, " transition=auto", " transition=implicit", " transition=explicit")
		operations = g.rand.Intn(4)
	case 2:
		operations = 1 + g.rand.Intn(4)
	}
	var input []string
	for ; operations > 0; operations-- {
		id := g.anyNode()
		if g.chance(3) {
			id = pick(g, 0, g.size()+1, g.size()+10)
		}
		input = append(input, fmt.Sprintf("%s%d", pick(g, "v", "v", "l", "r", "r", "u"), id))
	}
	g.do(line, strings.Join(input, " "))
}

func stabilize(g *walk) {
	line := "stabilize"
	if g.chance(40) {
		line += " " + g.several()
	}
	if g.chance(10) {
		line += " log-level=" + pick(g, "none", "debug", "info", "warn")
	}
	g.do(line)
}

func processReady(g *walk) {
	if g.chance(10) {
		g.dof("process-ready %s", g.several())
		return
	}
	g.dof("process-ready %d", g.one(func(id int) bool { return g.cluster.env.Nodes[id-1].HasReady() }))
}

func (g *walk) typeOption() string {
	if g.chance(80) || len(g.cluster.env.Messages) == 0 {
		return ""
	}
	return fmt.Sprintf(" type=%s", pick(g, g.cluster.env.Messages...).GetType())
}

func deliver(g *walk) {
	typ := g.typeOption()
	switch {
	case g.chance(60):
		g.dof("deliver-msgs %d%s", g.recipient(), typ)
	case g.chance(60):
		g.dof("deliver-msgs drop=(%d)%s", g.recipient(), typ)
	default:
		ids := strings.Fields(g.several())
		cut := g.rand.Intn(len(ids) + 1)
		line := "deliver-msgs"
		if cut > 0 {
			line += " " + strings.Join(ids[:cut], " ")
		}
		if cut < len(ids) {
			line += fmt.Sprintf(" drop=(%s)", strings.Join(ids[cut:], ","))
		}
		g.do(line + typ)
	}
}

func appendThread(g *walk) {
	if g.chance(10) {
		g.dof("process-append-thread %s", g.several())
		return
	}
	g.dof("process-append-thread %d", g.one(func(id int) bool { return len(g.cluster.env.Nodes[id-1].AppendWork) > 0 }))
}

func applyThread(g *walk) {
	if g.chance(10) {
		g.dof("process-apply-thread %s", g.several())
		return
	}
	g.dof("process-apply-thread %d", g.one(func(id int) bool { return len(g.cluster.env.Nodes[id-1].ApplyWork) > 0 }))
}

// Every tick comes right after a timeout was set: what the library draws by itself never shows.
func tick(g *walk) {
	id := g.anyNode()
	ticks := g.cluster.env.Nodes[id-1].Config.ElectionTick
	g.dof("set-randomized-election-timeout %d timeout=%d", id, pick(g, 1, 1, 2, ticks, 2*ticks-1, 100))
	g.dof("%s %d", pick(g, "tick-election", "tick-heartbeat"), id)
}

func heartbeat(g *walk) {
	id := g.leader()
	g.dof("set-randomized-election-timeout %d timeout=100", id)
	g.dof("tick-heartbeat %d", id)
}

func compact(g *walk) {
	id := g.anyNode()
	node := &g.cluster.env.Nodes[id-1]
	first := must(node.Storage.FirstIndex())
	applied := node.BasicStatus().Applied
	index := first - 1 // Refused.
	if applied >= first && g.chance(95) {
		index = first + uint64(g.rand.Int63n(int64(applied-first+1)))
	} else if g.chance(90) {
		return
	}
	g.dof("compact %d %d", id, index)
}

func transfer(g *walk) {
	g.dof("transfer-leadership from=%d to=%d", pick(g, g.leader(), g.leader(), g.anyNode()), g.anyNode())
}

// Not from a node without a term: ours takes no such message.
func sendSnapshotTo(g *walk) {
	if from := g.leader(); g.node(from).GetTerm() > 0 {
		g.dof("send-snapshot %d %d", from, g.anyNode())
	}
}

// Commands that are mistaken, or have nothing to do.
func odd(g *walk) {
	switch g.rand.Intn(10) {
	case 0:
		g.do("no-such-command 1")
	case 1:
		g.dof("report-unreachable %d", g.anyNode())
	case 2:
		g.do("log-level loud")
	case 3:
		g.do(fmt.Sprintf("propose-conf-change %d", g.anyNode()), pick(g, "x1", "v", "v1  v2", "vx", "v99999999999999999999"))
	case 4:
		g.do(fmt.Sprintf("propose-conf-change %d %s", g.anyNode(), pick(g, "v1=maybe", "transition=no", "foo=bar", "foo")), "v1")
	case 5:
		g.do(fmt.Sprintf("propose-conf-change %d v1=true%s", g.anyNode(), pick(g, "", " transition=explicit")), "v1 v2")
	case 6:
		g.dof("compact %d x", g.anyNode())
	case 7:
		g.do("add-nodes 1 " + pick(g, "voters=(1)", "voters=(1) index=1", "index=1", "read-only=fast", "what=ever"))
	case 8:
		g.do("_breakpoint")
	case 9:
		g.do("stabilize log-level=loud")
	}
}

func proposeSome(g *walk) {
	line := fmt.Sprintf("propose-batch %d", g.leader())
	for n := 1 + g.rand.Intn(4); n > 0; n-- {
		line += " " + g.word()
	}
	g.do(line)
}

func reportSomeSnapshot(g *walk) {
	g.dof("report-snapshot %d %d status=%s", g.leader(), g.anyNode(), pick(g, "finish", "failure"))
}

// Messages that a correct peer, or a storage thread, could have sent at some time, and some that
// nobody may send.
func madeUp(g *walk) {
	to, from := g.anyNode(), g.anyNode()
	s := g.node(to)
	if to == from || s.GetTerm() == 0 { // Ours takes no message without a term.
		return
	}
	storage := g.cluster.env.Nodes[to-1].Storage
	last := must(storage.LastIndex())
	lastTerm := must(storage.Term(last))
	term := s.GetTerm()
	const appendThread = "18446744073709551615"
	line := fmt.Sprintf("step %d type=", to)
	switch g.rand.Intn(18) {
	case 0:
		line += fmt.Sprintf("MsgTimeoutNow from=%d term=%d", from, term)
	case 1:
		line += fmt.Sprintf("MsgVote from=%d term=%d log-term=%d index=%d", from, term+1, lastTerm, last)
	case 2:
		line += fmt.Sprintf("MsgPreVote from=%d term=%d log-term=%d index=%d", from, term+1, lastTerm, last)
	case 3:
		line += fmt.Sprintf("MsgAppResp from=%d term=%d index=%d", from, term, s.GetCommit())
	case 4:
		line += fmt.Sprintf("MsgAppResp from=%d term=%d index=%d reject=true reject-hint=%d log-term=%d", from, term,
			last, s.GetCommit(), pick(g, 0, 1, lastTerm))
	case 5:
		line += fmt.Sprintf("MsgHeartbeatResp from=%d term=%d", from, term)
	case 6:
		line += fmt.Sprintf("MsgHeartbeat from=%d term=%d commit=%d", from, term+1, s.GetCommit())
	case 7:
		line += fmt.Sprintf("MsgTransferLeader from=%d", from)
	case 8:
		line += fmt.Sprintf("%s from=%d term=%d", pick(g, "MsgHup", "MsgBeat", "MsgUnreachable", "MsgSnapStatus",
			"MsgCheckQuorum", "MsgStorageAppend", "MsgStorageAppendResp", "MsgStorageApply", "MsgStorageApplyResp"), from, term)
	case 9:
		line += fmt.Sprintf("MsgReadIndexResp from=%d term=%d index=%d%s", from, term, s.GetCommit(),
			pick(g, "", " entries=(0/0/a)", " entries=(0/0/a,0/0/b)"))
	case 10:
		line += fmt.Sprintf("MsgReadIndex from=%d entries=(0/0/%s)", from, "r")
	case 11:
		line += fmt.Sprintf("MsgForgetLeader from=%d", from)
	case 12:
		line += fmt.Sprintf("%s from=%d term=%d reject=%t", pick(g, "MsgVoteResp", "MsgPreVoteResp"), from,
			pick(g, term, term, term+1), g.chance(50))
	case 13:
		line += fmt.Sprintf("MsgStorageAppendResp from=%s term=%d log-term=%d index=%d", appendThread,
			pick(g, term, term, 1), pick(g, lastTerm, lastTerm, 1), pick(g, last, last+1))
	case 14:
		if s.Lead == 0 || s.Lead == uint64(to) {
			return
		}
		line += fmt.Sprintf("MsgApp from=%d term=%d log-term=%d index=%d commit=%d", s.Lead, term, lastTerm, last, s.GetCommit())
	case 15:
		if s.RaftState == raft.StateLeader {
			return
		}
		line += fmt.Sprintf("MsgApp from=%d term=%d log-term=%d index=%d commit=%d entries=(%d/%d/%s)", from, term+1,
			lastTerm, last, s.GetCommit(), term+1, last+1, "m")
	case 16:
		line += fmt.Sprintf("MsgProp from=%d entries=(0/0/p,0/0/q)", from)
	case 17:
		line += fmt.Sprintf("MsgSnap from=%d term=%d", from, pick(g, term, term+1))
	}
	g.do(line)
}

// --- The end ---

func (g *walk) finish() {
	if g.chance(30) {
		return
	}
	g.do("log-level debug")
	g.do("stabilize")
	for id := 1; id <= g.size() && !g.failed; id++ {
		if g.node(id).RaftState == raft.StateLeader {
			g.dof("set-randomized-election-timeout %d timeout=100", id)
			g.dof("tick-heartbeat %d", id)
			g.do("stabilize")
			g.dof("status %d", id)
		}
	}
	g.do("raft-state")
	for id := 1; id <= g.size(); id++ {
		g.dof("raft-log %d", id)
	}
}
