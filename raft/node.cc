#include "raft/node.h"

#include <time.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <random>
#include <utility>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "raft/check.h"
#include "raft/errors.h"

namespace raft {

using raftpb::Message;
using raftpb::MessageType;

namespace {

constexpr absl::string_view kNodeStopped = "raft node stopped";

// A number that no other life of any server has, for practical purposes.
uint64_t DrawLife() {
  std::random_device random;
  return uint64_t{random()} << 32 | random();
}

// Storage writes of a node are asynchronous: a turn never depends on when the host does its work.
NodeOptions WithAsyncWrites(NodeOptions options) {
  options.config.async_storage_writes = true;
  return options;
}

// The clock of ticks: time since some moment.
absl::Duration Uptime() {
#ifdef CLOCK_BOOTTIME
  constexpr clockid_t kClock = CLOCK_BOOTTIME;
#else
  constexpr clockid_t kClock = CLOCK_MONOTONIC;
#endif
  timespec now;
  clock_gettime(kClock, &now);
  return absl::DurationFromTimespec(now);
}

// What std::condition_variable_any asks of a mutex.
class StandardMutex {
 public:
  explicit StandardMutex(absl::Mutex& mutex) : mutex_(mutex) {}

  void lock() ABSL_NO_THREAD_SAFETY_ANALYSIS { mutex_.Lock(); }
  void unlock() ABSL_NO_THREAD_SAFETY_ANALYSIS { mutex_.Unlock(); }

 private:
  absl::Mutex& mutex_;
};

}  // namespace

absl::Status NodeStopped() { return absl::CancelledError(kNodeStopped); }
bool IsNodeStopped(const absl::Status& status) {
  return absl::IsCancelled(status) && status.message() == kNodeStopped;
}

bool Node::Inbox::empty() const {
  return proposals.empty() && reads.empty() && messages.empty() && local.empty() && tasks.empty() &&
         !resume;
}

void Node::Inbox::Clear() {
  proposals.clear();
  reads.clear();
  messages.clear();
  local.clear();
  tasks.clear();
  resume = false;
}

absl::StatusOr<std::unique_ptr<Node>> Node::Start(const NodeOptions& options, NodeHost& host,
                                                  absl::Span<const Peer> founders) {
  const NodeOptions adjusted = WithAsyncWrites(options);
  absl::StatusOr<std::unique_ptr<RawNode>> core = RawNode::Create(adjusted.config);
  if (!core.ok()) return core.status();
  if (!founders.empty()) {
    if (absl::Status founded = (*core)->Bootstrap(founders); !founded.ok()) return founded;
  }
  return std::unique_ptr<Node>(new Node(adjusted, host, *std::move(core)));
}

Node::Node(const NodeOptions& options, NodeHost& host, std::unique_ptr<RawNode> core)
    : options_(options),
      host_(host),
      status_(core->GetBasicStatus()),
      core_(std::move(core)),
      reads_(DrawLife(), options.max_read_rounds_in_flight, options.read_retry_ticks),
      last_tick_(Uptime()),
      thread_([this] { Run(); }) {}

Node::~Node() { Stop(); }

void Node::Stop() {
  Fail(NodeStopped());
  if (thread_.joinable()) thread_.join();
}

// --- Any thread: into the inbox ---

template <typename Put>
absl::Status Node::Deliver(Put put) {
  absl::MutexLock lock(&mutex_);
  if (!ended_.ok()) return ended_;
  if (absl::Status refused = put(); !refused.ok()) return refused;
  if (asleep_) {
    asleep_ = false;
    wake_.notify_one();
  }
  return absl::OkStatus();
}

void Node::Propose(absl::Cord data, absl::Time deadline, Done done) {
  Propose({.data = std::move(data), .deadline = deadline, .done = std::move(done)});
}

void Node::ProposeConfChange(raftpb::ConfChangeV2 change, absl::Time deadline, Done done) {
  Propose({.change = std::move(change), .deadline = deadline, .done = std::move(done)});
}

void Node::Propose(ProposalQueue::Proposal proposal) {
  const size_t bytes = proposal.data.size();
  const absl::Status delivered = Deliver([&] {
    mutex_.AssertHeld();
    if (load_.proposals >= options_.max_waiting_proposals ||
        load_.proposal_bytes + bytes > options_.max_waiting_proposal_bytes) {
      return ProposalDropped(DropReason::kOverQuota);
    }
    ++load_.proposals;
    load_.proposal_bytes += bytes;
    inbox_.proposals.push_back(std::move(proposal));
    return absl::OkStatus();
  });
  if (!delivered.ok()) proposal.done(delivered);
}

absl::Status Node::ProposeAndWait(absl::Cord data, absl::Time deadline) {
  absl::Status outcome;
  absl::Notification ended;
  Propose(std::move(data), deadline, [&](const absl::Status& how) {
    outcome = how;
    ended.Notify();
  });
  ended.WaitForNotification();
  return outcome;
}

void Node::ReadIndex(absl::Time deadline, ReadDone done) {
  const absl::Status delivered = Deliver([&] {
    mutex_.AssertHeld();
    if (load_.reads >= options_.max_waiting_reads) return ProposalDropped(DropReason::kOverQuota);
    ++load_.reads;
    inbox_.reads.push_back({deadline, std::move(done)});
    return absl::OkStatus();
  });
  if (!delivered.ok()) done(delivered);
}

absl::StatusOr<Index> Node::ReadIndexAndWait(absl::Time deadline) {
  absl::StatusOr<Index> outcome;
  absl::Notification ended;
  ReadIndex(deadline, [&](absl::StatusOr<Index> index) {
    outcome = std::move(index);
    ended.Notify();
  });
  ended.WaitForNotification();
  return outcome;
}

void Node::Step(std::vector<Message> messages) {
  Deliver([&] {
    mutex_.AssertHeld();
    const size_t room = options_.max_waiting_messages -
                        std::min(inbox_.messages.size(), options_.max_waiting_messages);
    const size_t taken = std::min(room, messages.size());
    stats_.dropped_messages += messages.size() - taken;
    inbox_.messages.insert(inbox_.messages.end(), std::make_move_iterator(messages.begin()),
                           std::make_move_iterator(messages.begin() + taken));
    return absl::OkStatus();
  }).IgnoreError();
}

void Node::Post(Task task) {
  const absl::Status delivered = Deliver([&] {
    mutex_.AssertHeld();
    inbox_.tasks.push_back(std::move(task));
    return absl::OkStatus();
  });
  if (!delivered.ok()) task(nullptr);
}

void Node::ReportUnreachable(NodeId peer) {
  Post([peer](RawNode* core) {
    if (core != nullptr) core->ReportUnreachable(peer);
  });
}

void Node::ReportSnapshot(NodeId peer, SnapshotOutcome outcome) {
  Post([peer, outcome](RawNode* core) {
    if (core != nullptr) core->ReportSnapshot(peer, outcome);
  });
}

void Node::Campaign() {
  Post([](RawNode* core) {
    if (core != nullptr) core->Campaign().IgnoreError();
  });
}

void Node::TransferLeadership(NodeId to) {
  Post([to](RawNode* core) {
    if (core != nullptr) core->TransferLeadership(to).IgnoreError();
  });
}

// What is now stored lets promises go: to peers right away, to the core with its next turn.
void Node::OnStored(StoreWork work) {
  auto own = std::stable_partition(work.promises.begin(), work.promises.end(),
                                   [this](const Message& m) { return m.to != options_.config.id; });
  std::vector<Message> local(std::make_move_iterator(own),
                             std::make_move_iterator(work.promises.end()));
  work.promises.erase(own, work.promises.end());
  if (!work.promises.empty()) host_.Send(std::move(work.promises));
  Deliver([&] {
    mutex_.AssertHeld();
    if (work.must_sync && load_.stores-- >= options_.max_stores_in_flight) inbox_.resume = true;
    std::move(local.begin(), local.end(), std::back_inserter(inbox_.local));
    return absl::OkStatus();
  }).IgnoreError();
}

void Node::OnApplied(ApplyWork work) {
  Deliver([&] {
    mutex_.AssertHeld();
    std::move(work.confirmations.begin(), work.confirmations.end(),
              std::back_inserter(inbox_.local));
    return absl::OkStatus();
  }).IgnoreError();
}

void Node::Fail(absl::Status why) {
  RAFT_CHECK(!why.ok()) << "a node fails for a reason";
  Deliver([&] {
    mutex_.AssertHeld();
    ended_ = std::move(why);
    return absl::OkStatus();
  }).IgnoreError();
}

// The answer of the core to a question that only its thread may ask.
template <typename Result, typename Ask>
absl::StatusOr<Result> Node::AskCore(Ask ask) {
  absl::StatusOr<Result> answer = NodeStopped();
  absl::Notification ended;
  Post([&](RawNode* core) {
    if (core != nullptr) answer = ask(*core);
    ended.Notify();
  });
  ended.WaitForNotification();
  return answer;
}

absl::StatusOr<raftpb::ConfState> Node::ApplyConfChange(const raftpb::Entry& entry) {
  return AskCore<raftpb::ConfState>(
      [&entry](RawNode& core) { return core.ApplyConfChange(entry); });
}

absl::StatusOr<Status> Node::GetStatus() {
  return AskCore<Status>([](RawNode& core) { return core.GetStatus(); });
}

BasicStatus Node::GetBasicStatus() const {
  absl::MutexLock lock(&mutex_);
  return status_;
}

NodeStats Node::stats() const {
  absl::MutexLock lock(&mutex_);
  return stats_;
}

// --- The thread ---

void Node::Run() {
  Publish();
  while (WaitForInput()) Turn();
  End();
}

// Sleeps until something has arrived or a tick is due, and takes what there is. False: it is over.
bool Node::WaitForInput() {
  const absl::Duration left = std::min(UntilNextTick(), absl::Hours(24));
  const auto next_tick = std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(left);
  absl::MutexLock lock(&mutex_);
  StandardMutex mutex(mutex_);
  while (inbox_.empty() && ended_.ok()) {
    asleep_ = true;
    const std::cv_status waited = wake_.wait_until(mutex, next_tick);
    asleep_ = false;
    if (waited == std::cv_status::timeout) break;
  }
  std::swap(inbox_, taken_);
  stores_in_flight_ = load_.stores;
  return ended_.ok();
}

absl::Duration Node::UntilNextTick() const {
  // Deadlines are looked at with every tick, and a blocked proposal is offered again.
  const bool waiting = !proposals_.empty() || !reads_.empty();
  return last_tick_ + options_.tick * (waiting ? 1 : ticks_until_due_) - Uptime();
}

void Node::Turn() {
  TakeTicks();
  TakeInput();
  if (stores_in_flight_ < options_.max_stores_in_flight) proposals_.Offer(*core_);
  do {
    AskForReads();
  } while (HandOut() || reads_.CanStart());
  ticks_until_due_ = core_->TicksUntilDue();
  ++counted_.turns;
  Publish();
}

void Node::TakeTicks() {
  const int64_t passed = (Uptime() - last_tick_) / options_.tick;
  if (passed <= 0) return;
  // Time in which this process did not run is not the leader's silence: what is overslept does not
  // count, except for leases, which the others have counted, too.
  const bool lease_based = options_.config.read_only == ReadOnlyOption::kLeaseBased;
  const uint32_t ticks = static_cast<uint32_t>(
      std::min<int64_t>(passed, lease_based ? int64_t{1} << 20 : ticks_until_due_));
  last_tick_ += options_.tick * passed;
  core_->Tick(ticks);
  const absl::Time now = absl::Now();  // Deadlines are the callers'.
  proposals_.Unblock();
  proposals_.Expire(now);
  reads_.Tick(ticks);
  reads_ended_ += reads_.Expire(now, ProposalDropped(DropReason::kNoLeader));
}

void Node::TakeInput() {
  for (const Message& message : taken_.messages) StepOne(message);
  for (const Message& message : taken_.local) core_->StepLocal(message).IgnoreError();
  for (Task& task : taken_.tasks) task(core_.get());
  for (ProposalQueue::Proposal& proposal : taken_.proposals) proposals_.Add(std::move(proposal));
  for (ReadRounds::Read& read : taken_.reads) reads_.Add(std::move(read));
  taken_.Clear();
}

void Node::StepOne(const Message& message) {
  ++counted_.messages;
  const absl::Status stepped = core_->Step(message);
  if (stepped.ok()) return;
  ++counted_.refused_messages;
  if (IsPromiseBroken(stepped)) Fail(stepped);
}

void Node::AskForReads() {
  if (!reads_.CanStart()) return;
  if (!core_->ReadIndex(reads_.Start()).ok()) reads_.RefuseNewest();
}

// Carries out one Ready, if there is one.
bool Node::HandOut() {
  if (!core_->HasReady()) return false;
  if (absl::Status taken = core_->TakeReady(ready_); !taken.ok()) {
    Fail(taken);
    return false;
  }
  Publish();  // Before anybody can see what follows from it.
  if (ready_.soft_state.has_value()) {
    proposals_.Unblock();
    reads_.TakeBackAll();
    host_.OnLeadership(*ready_.soft_state, core_->GetBasicStatus().hard_state.term);
  }
  for (const ReadState& answer : ready_.read_states) reads_ended_ += reads_.Answer(answer);
  PassOn();
  return true;
}

// Messages leave before the disk is asked, and what is committed is applied meanwhile.
void Node::PassOn() {
  absl::optional<StoreWork> store;
  absl::optional<ApplyWork> apply;
  std::vector<Message> to_peers;
  for (Message& m : ready_.messages) {
    if (m.to == kLocalAppendThread) {
      store.emplace();
      store->entries = std::move(m.entries);
      store->hard_state = ready_.hard_state;
      store->snapshot = std::move(m.snapshot);
      store->must_sync = ready_.must_sync || store->snapshot != nullptr;
      store->promises = std::move(m.responses);
    } else if (m.to == kLocalApplyThread) {
      apply.emplace();
      apply->entries = std::move(m.entries);
      apply->confirmations = std::move(m.responses);
    } else {
      to_peers.push_back(std::move(m));
    }
  }
  if (!to_peers.empty()) host_.Send(std::move(to_peers));
  if (apply.has_value()) host_.Apply(*std::move(apply));
  if (!store.has_value()) return;
  if (store->must_sync) {
    absl::MutexLock lock(&mutex_);
    ++load_.stores;
  }
  host_.Store(*std::move(store));
}

// Shows others where things stand.
void Node::Publish() {
  const ProposalQueue::Ended proposals = proposals_.TakeEnded();
  const size_t reads = std::exchange(reads_ended_, 0);
  absl::MutexLock lock(&mutex_);
  load_.proposals -= proposals.proposals;
  load_.proposal_bytes -= proposals.bytes;
  load_.reads -= reads;
  status_ = core_->GetBasicStatus();
  stats_.turns = counted_.turns;
  stats_.proposals += proposals.taken;
  stats_.proposal_batches += proposals.batches;
  stats_.reads += reads;
  stats_.read_rounds = reads_.started();
  stats_.messages = counted_.messages;
  stats_.refused_messages = counted_.refused_messages;
}

// Nothing more is delivered; what still waits is told why.
void Node::End() {
  absl::Status why;
  {
    absl::MutexLock lock(&mutex_);
    why = ended_;
  }
  for (Task& task : taken_.tasks) task(nullptr);
  for (ProposalQueue::Proposal& proposal : taken_.proposals) proposal.done(why);
  for (ReadRounds::Read& read : taken_.reads) read.done(why);
  taken_.Clear();
  proposals_.Fail(why);
  reads_.Fail(why);
  if (!IsNodeStopped(why)) host_.OnFailure(why);
}

}  // namespace raft
