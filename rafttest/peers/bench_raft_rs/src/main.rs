//! Measures raft-rs with the workloads of //raft:raft_benchmark, for tools/compare: whole groups in
//! one process, without serialisation, over memory storage, with pre-vote and check quorum on.
//!
//! Each line of output is a workload, nanoseconds of processor time, allocations, and messages, all
//! per operation, divided by tabs; "-" is what was not measured.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use protobuf::Message as _;
use raft::eraftpb::{ConfState, Entry, Message, MessageType};
use raft::storage::MemStorage;
use raft::{Config, RawNode, StateRole};

// --- Counting allocations ---

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
static LIVE_BYTES: AtomicU64 = AtomicU64::new(0);

unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Relaxed);
        LIVE_BYTES.fetch_add(layout.size() as u64, Relaxed);
        System.alloc(layout)
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        LIVE_BYTES.fetch_sub(layout.size() as u64, Relaxed);
        System.dealloc(at, layout)
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

// --- A group, and the least that an embedder has to do for it ---

struct Group {
    nodes: Vec<RawNode<MemStorage>>,
    cut_off: u64,
    messages: u64,
    reads: u64,
}

fn config(id: u64) -> Config {
    Config {
        id,
        election_tick: 10,
        heartbeat_tick: 1,
        pre_vote: true,
        check_quorum: true,
        max_size_per_msg: 1 << 20,
        max_inflight_msgs: 256,
        ..Default::default()
    }
}

fn founded(voters: &[u64]) -> MemStorage {
    MemStorage::new_with_conf_state(ConfState::from((voters.to_vec(), vec![])))
}

fn quiet() -> slog::Logger {
    slog::Logger::root(slog::Discard, slog::o!())
}

impl Group {
    fn new(size: u64) -> Group {
        let voters: Vec<u64> = (1..=size).collect();
        let logger = quiet();
        let nodes = voters
            .iter()
            .map(|&id| RawNode::new(&config(id), founded(&voters), &logger).unwrap())
            .collect();
        let mut group = Group { nodes, cut_off: 0, messages: 0, reads: 0 };
        group.nodes[0].campaign().unwrap();
        group.pump();
        assert_eq!(group.nodes[0].raft.state, StateRole::Leader);
        group
    }

    fn deliver(&mut self, messages: Vec<Message>) {
        for m in messages {
            self.messages += 1;
            if m.to != self.cut_off {
                self.nodes[m.to as usize - 1].step(m).unwrap();
            }
        }
    }

    /// Until nobody has anything to do.
    fn pump(&mut self) {
        let mut worked = true;
        while worked {
            worked = false;
            for i in 0..self.nodes.len() {
                worked |= self.turn(i);
            }
        }
    }

    fn turn(&mut self, i: usize) -> bool {
        if !self.nodes[i].has_ready() {
            return false;
        }
        let mut ready = self.nodes[i].ready();
        let now = ready.take_messages();
        self.deliver(now);
        self.reads += ready.read_states().len() as u64;
        {
            let mut disk = self.nodes[i].mut_store().wl();
            disk.append(ready.entries()).unwrap();
            if let Some(hard_state) = ready.hs() {
                disk.set_hardstate(hard_state.clone());
            }
        }
        let after_write = ready.take_persisted_messages();
        self.deliver(after_write);
        let mut light = self.nodes[i].advance(ready);
        if let Some(commit) = light.commit_index() {
            self.nodes[i].mut_store().wl().mut_hard_state().set_commit(commit);
        }
        self.deliver(light.take_messages());
        self.nodes[i].advance_apply();
        true
    }

    /// Lets go of what all have applied.
    fn compact(&mut self) {
        for node in &mut self.nodes {
            let applied = node.raft.raft_log.applied;
            node.mut_store().wl().compact(applied).unwrap();
        }
    }
}

/// A payload that nobody has filled: making them is not what is measured.
#[allow(clippy::uninit_vec)]
fn unwritten(bytes: usize) -> Vec<u8> {
    let mut payload = Vec::with_capacity(bytes);
    unsafe { payload.set_len(bytes) };
    payload
}

// --- Measuring ---

fn processor_nanoseconds() -> f64 {
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    unsafe { libc::getrusage(libc::RUSAGE_SELF, &mut usage) };
    let of = |time: libc::timeval| time.tv_sec as f64 * 1e9 + time.tv_usec as f64 * 1e3;
    of(usage.ru_utime) + of(usage.ru_stime)
}

struct Meter {
    budget: f64, // Nanoseconds for each workload.
}

impl Meter {
    /// Runs `round`, of `operations` each, as often as the budget allows; it gives the messages
    /// sent so far. The caller's payload takes `own` allocations per operation: not counted.
    fn measure(&self, name: &str, operations: f64, own: f64, mut round: impl FnMut() -> Option<u64>) {
        for _ in 0..100 {
            round();
        }
        let mut rounds = 64;
        loop {
            let sent = round();
            let (before, start) = (ALLOCATIONS.load(Relaxed), processor_nanoseconds());
            let mut sent_after = None;
            for _ in 0..rounds {
                sent_after = round();
            }
            let took = processor_nanoseconds() - start;
            let allocations = ALLOCATIONS.load(Relaxed) - before;
            if took < self.budget {
                rounds *= 2;
                continue;
            }
            let total = rounds as f64 * operations;
            let messages = match (sent, sent_after) {
                (Some(before), Some(after)) => format!("{:.2}", (after - before) as f64 / total),
                _ => "-".to_string(),
            };
            println!(
                "{name}\t{:.1}\t{:.2}\t{messages}",
                took / total,
                allocations as f64 / total - own
            );
            return;
        }
    }

    fn commits(&self, name: &str, bytes: usize, together: usize, batched: bool) {
        let mut group = Group::new(3);
        for node in &mut group.nodes {
            node.set_batch_append(batched);
        }
        let mut round = 0;
        self.measure(name, together as f64, 1.0, || {
            for _ in 0..together {
                group.nodes[0].propose(vec![], unwritten(bytes)).unwrap();
            }
            group.pump();
            round += 1;
            if round % 64 == 0 {
                group.compact();
            }
            Some(group.messages)
        });
    }

    fn reads(&self) {
        let mut group = Group::new(3);
        let mut number = 0u64;
        self.measure("read_index_64", 64.0, 1.0, || {
            for _ in 0..64 {
                number += 1; // raft-rs wants them to differ.
                group.nodes[0].read_index(number.to_le_bytes().to_vec());
            }
            group.pump();
            Some(group.messages)
        });
        assert!(group.reads > 0);
    }

    fn heartbeats(&self) {
        let mut group = Group::new(3);
        self.measure("heartbeat_round", 1.0, 0.0, || {
            group.nodes[0].tick();
            group.pump();
            Some(group.messages)
        });
    }

    fn idle_tick(&self) {
        let logger = quiet();
        let mut nodes: Vec<_> = (0..10000)
            .map(|_| {
                let config = Config { election_tick: 1 << 30, ..config(1) };
                RawNode::new(&config, founded(&[1, 2, 3]), &logger).unwrap()
            })
            .collect();
        self.measure("idle_tick", 10000.0, 0.0, || {
            for node in &mut nodes {
                node.tick();
            }
            None
        });
    }

    fn committed_index(&self, voters: u64) {
        // The tracker's map of progress, as a leader has it.
        let mut group = Group::new(voters);
        let tracker = group.nodes[0].raft.mut_prs();
        for (id, progress) in tracker.iter_mut() {
            progress.matched = 100 + id * 7919 % 13;
        }
        let mut sum = 0;
        self.measure(&format!("committed_index_{voters}"), 1.0, 0.0, || {
            sum += std::hint::black_box(&mut *tracker).maximal_committed_index().0;
            None
        });
        assert!(sum > 0);
    }

    fn codec(&self) {
        let mut m = Message::default();
        m.set_msg_type(MessageType::MsgAppend);
        (m.to, m.from, m.term, m.log_term, m.index, m.commit) = (2, 1, 5, 5, 1000, 999);
        for i in 0..64 {
            let mut entry = Entry::default();
            (entry.term, entry.index) = (5, 1001 + i);
            entry.data = vec![0; 128].into();
            m.entries.push(entry);
        }
        let data = m.write_to_bytes().unwrap();
        self.measure("encode_64x128", 1.0, 0.0, || {
            std::hint::black_box(m.write_to_bytes().unwrap());
            None
        });
        self.measure("decode_64x128", 1.0, 0.0, || {
            let mut decoded = Message::default();
            decoded.merge_from_bytes(&data).unwrap();
            std::hint::black_box(decoded);
            None
        });
    }
}

fn memory() {
    const GROUPS: u64 = 2000;
    let logger = quiet();
    let live = || LIVE_BYTES.load(Relaxed);
    let mut nodes = Vec::with_capacity(GROUPS as usize);
    let mut storages = Vec::with_capacity(GROUPS as usize);
    let empty = live();
    for _ in 0..GROUPS {
        storages.push(founded(&[1, 2, 3]));
    }
    let stored = live();
    for storage in &storages {
        nodes.push(RawNode::new(&config(1), storage.clone(), &logger).unwrap());
    }
    // The vectors were there already: what stands in them belongs to the servers, too.
    let in_place = std::mem::size_of::<RawNode<MemStorage>>() as u64;
    println!("idle_bytes_node\t{}\t-\t-", (live() - stored) / GROUPS + in_place);
    println!("idle_bytes_storage\t{}\t-\t-", (stored - empty) / GROUPS);
}

fn catch_up() {
    const ROUNDS: u64 = 100_000 / 64;
    let mut group = Group::new(3);
    group.cut_off = 3;
    for _ in 0..ROUNDS {
        for _ in 0..64 {
            group.nodes[0].propose(vec![], vec![b'x'; 128]).unwrap();
        }
        group.pump();
    }
    group.cut_off = 0;
    let last = group.nodes[0].raft.raft_log.applied;
    let (before, start) = (ALLOCATIONS.load(Relaxed), processor_nanoseconds());
    while group.nodes[2].raft.raft_log.applied < last {
        group.nodes[0].tick(); // The heartbeat's answer tells that the follower is back.
        group.pump();
    }
    let total = (ROUNDS * 64) as f64;
    println!(
        "catch_up\t{:.1}\t{:.2}\t-",
        (processor_nanoseconds() - start) / total,
        (ALLOCATIONS.load(Relaxed) - before) as f64 / total
    );
}

fn main() {
    let milliseconds = std::env::args().nth(1).map_or(300.0, |arg| arg.parse().unwrap());
    let meter = Meter { budget: milliseconds * 1e6 };
    meter.commits("commit_128", 128, 1, false);
    meter.commits("commit_64x128", 128, 64, false);
    meter.commits("commit_64x128_batched", 128, 64, true);
    meter.commits("commit_1m", 1 << 20, 1, false);
    meter.reads();
    meter.heartbeats();
    meter.idle_tick();
    memory();
    for voters in [3, 5, 7] {
        meter.committed_index(voters);
    }
    meter.codec();
    catch_up();
}
