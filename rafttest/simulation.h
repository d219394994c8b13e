// A whole cluster as a function of one seed: servers with the real core, a network and disks that
// fail, clients, and checks after every event.
//
// Rooms: simulation.cc has time, the network and the servers; simulation_nemesis.cc what clients
// and fate do to them; simulation_watch.cc what is looked at on the way; simulation_liveness.cc
// heals everything and asks whether the cluster serves. From the moment of healing on nothing takes
// longer than in a healthy cluster, also what was sent or written before: it is hastened, or lost.
#ifndef RAFT_RAFTTEST_SIMULATION_H_
#define RAFT_RAFTTEST_SIMULATION_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <queue>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/types/optional.h"
#include "raft/config.h"
#include "raft/tracker/config.h"
#include "rafttest/application.h"
#include "rafttest/clients.h"
#include "rafttest/coverage.h"
#include "rafttest/faults.h"
#include "rafttest/invariants.h"
#include "rafttest/random.h"
#include "rafttest/recording.h"
#include "rafttest/scenario.h"
#include "rafttest/sim_network.h"
#include "rafttest/sim_server.h"
#include "rafttest/stage.h"
#include "rafttest/wal_disk.h"

namespace rafttest {

struct SimulationOptions {
  uint64_t seed = 1;
  uint64_t ticks = 1000;  // With faults; then the cluster is healed, and must serve again.
  size_t servers = 5;     // In the founding configuration.
  size_t spares = 2;      // Further servers, which membership changes may add.
  bool check_liveness = true;
  // What the servers run and the clients ask, whose history must be linearizable at the end. Null:
  // clients propose numbers, and the state is the hash of the log. Outlives the simulation.
  const Application* application = nullptr;
  bool wal = false;  // Disks are those of wal_disk.h: the real storage/, with more faults.
  absl::optional<Faults> faults;       // Drawn from the seed if not given.
  const Scenario* scenario = nullptr;  // What else happens; see Arrange.
  // Has the last word about each server's settings.
  std::function<void(raft::Config&)> configure;
  raft::Logger* logger = nullptr;             // For the servers' own log lines.
  std::vector<std::string>* trace = nullptr;  // Gets a line for each event.
  Recording* recording = nullptr;             // Gets what a picture shows.
};

struct SimulationResult {
  absl::optional<Violation> violation;
  SimTime when = 0;         // Of the violation, or the end.
  uint64_t trace_hash = 0;  // The same for the same seed, in every build.
  Coverage coverage;
  SimTime leader_after = 0;     // Healing: until all follow one leader, and
  SimTime caught_up_after = 0;  // until all have applied everything, and
  SimTime service_after = 0;    // until proposals and reads succeeded everywhere.
  SimTime leader_bound = 0;     // None of these may take longer.
  SimTime caught_up_bound = 0;
  SimTime service_bound = 0;
  DiskCoverage disk;            // Of the real log.
  uint64_t scenario_marks = 0;  // How often what the scenario is about happened.
  Faults faults;
};

class Simulation final : public SimServer::World, private Stage {
 public:
  explicit Simulation(const SimulationOptions& options);
  ~Simulation() override;

  SimulationResult Run();

 private:
  enum class EventKind : uint8_t {
    kTick,
    kDeliver,
    kWriteDone,
    kApplyDone,
    kWork,
    kResume,
    kRestart,
    kHeal,
    kPropose,
    kRead,
    kPartition,
    kCrash,
    kCrashAll,
    kPause,
    kTransfer,
    kCampaign,
    kMembership,
    kScript,
    kDiskFailed,
  };
  struct Event {
    SimTime time;
    uint64_t sequence;
    EventKind kind;
    raft::NodeId server;
    uint64_t detail;  // kDeliver: the message's slot; others: the life of the server it is for.
    friend bool operator>(const Event& a, const Event& b) {
      return a.time != b.time ? a.time > b.time : a.sequence > b.sequence;
    }
  };
  struct AskedRead {
    uint64_t number;
    std::string round;  // Of the first heartbeats that left after it was asked.
  };
  struct Body {         // What the simulation knows of a server besides.
    uint64_t life = 0;  // Counts starts; events for an earlier life are void.
    bool paused = false;
    bool frozen = false;  // Left out while the cluster proves that it is live.
    SimTime tick = kTick;
    uint64_t ticks = 0;           // Of its clock so far; at which of them it
    std::vector<uint64_t> heard;  // last heard of each server,
    uint64_t leader_heard = 0;    // last heard of its leader,
    uint64_t led_since = 0;       // and has led since, under the same membership.
    raft::Term led_term = 0;
    int failed_after_healing = 0;   // Its disk.
    raft::Index commit_before = 0;  // The last crash.
    raft::tracker::Config led_membership;
    uint64_t voter_until = 0;  // The last tick at which it led as a voter, or did not lead.
    std::vector<raft::NodeId> learners;  // Of the last change that it applied.
    raft::Term lost_vote = 0;            // A crash took back a vote that it gave in this term.
    std::string round;                   // What its last heartbeats carried, and
    std::vector<AskedRead> asked_reads;  // its own reads that were asked while it led.
    std::deque<raftpb::Message> inbox;   // Arrived while paused.
  };

  // SimServer::World
  void Send(raft::NodeId id, const raftpb::Message& message) override;
  void StartWrite(raft::NodeId id) override;
  void StartApply(raft::NodeId id) override;
  void OnApplied(raft::NodeId id, const raftpb::Entry& entry, absl::string_view answer) override;
  void OnDiskFailed(raft::NodeId id, const absl::Status& why) override;
  void OnReadState(raft::NodeId id, const raft::ReadState& read) override;
  void OnRole(raft::NodeId id, const raft::SoftState& state) override;
  void See(Seen seen) override { coverage_.Count(seen); }

  // Stage
  size_t size() const override { return servers_.size(); }
  const raft::Raft* Core(raft::NodeId id) const override;
  raft::NodeId Leader() const override;
  SimNetwork& network() override { return network_; }
  void Restart(raft::NodeId id) override;
  void Campaign(raft::NodeId id) override;
  void Transfer(raft::NodeId from, raft::NodeId to) override;
  void Change(raft::NodeId id, const raftpb::ConfChangeV2& change) override;
  void Mark() override { ++result_.scenario_marks; }

  void Schedule(SimTime delay, EventKind kind, raft::NodeId server, uint64_t detail);
  void ScheduleNext(EventKind kind);
  void RunUntil(SimTime end);
  void Handle(const Event& event);
  void OnTick(raft::NodeId id);
  void HandleNemesis(EventKind kind);
  double MeanTimeBetween(EventKind kind) const;
  void Cause(EventKind kind, raft::NodeId id);
  void CausePartition(raft::NodeId leader);
  void CrashForAWhile(raft::NodeId id);
  void CampaignOrForget(raft::NodeId id);
  void DeliverTo(raft::NodeId to, const raftpb::Message& message);
  void TouchAndWork(raft::NodeId id);
  void CheckContact(raft::NodeId id);
  void CheckRemovedLeader(raft::NodeId id);
  void LookAtArrival(const raftpb::Message& message);
  void LookAtVote(raft::NodeId id);
  void LookAtWindows(raft::NodeId id);
  void LookAtPromotions(raft::NodeId id);
  void LookAtReadRounds(raft::NodeId id, const raftpb::Message& message);
  void LookAtAnsweredRead(raft::NodeId id, uint64_t read);
  void Forge(const raftpb::Message& message);
  uint64_t SlotFor(const raftpb::Message& message);
  bool AsksInLease(const raftpb::Message& message) const;
  void MaybeReplay();
  void ReportSnapshot(const raftpb::Message& message, bool arrived);

  void Start(raft::NodeId id);
  void Crash(raft::NodeId id) override;
  void Pause(raft::NodeId id);
  void Resume(raft::NodeId id);
  void Propose(raft::NodeId id) override;
  void Read(raft::NodeId id) override;
  raftpb::ConfChangeV2 AnyChange();
  void ClientActs(raft::NodeId id);
  void CheckHistory();

  void CheckLiveness();
  SimTime SlowestElection() const;
  absl::optional<SimTime> TimeUntil(SimTime bound, absl::FunctionRef<bool()> holds);
  bool AwaitLeader();
  bool AwaitCatchUp();
  void HealSome();
  void HastenWhatIsUnderWay();
  absl::optional<double> HealedDelay(EventKind kind) const;
  void LeaveSomeAway();
  bool Settled() const;
  std::vector<raft::NodeId> Needed() const;
  bool AllFollowOneLeader() const;
  bool AllCaughtUp() const;
  bool Service(SimTime deadline);

  SimServer& server(raft::NodeId id) { return *servers_[id - 1]; }
  const SimServer& server(raft::NodeId id) const { return *servers_[id - 1]; }
  Body& body(raft::NodeId id) { return bodies_[id - 1]; }
  bool Runs(raft::NodeId id) const {
    return servers_[id - 1]->alive() && !bodies_[id - 1].paused && !bodies_[id - 1].frozen;
  }
  raft::NodeId RandomRunning();
  raft::NodeId SomeLeader();
  template <typename... Parts>
  void Trace(const Parts&... parts);
  void TraceMessage(absl::string_view what, const raftpb::Message& message);
  // The same for what befalls a server, or kNone: the cluster; and recorded.
  template <typename... Parts>
  void Note(raft::NodeId id, const Parts&... parts);
  void RecordServers();

  const SimulationOptions options_;
  Random random_;
  Faults faults_;
  Invariants invariants_;
  SimNetwork network_;
  std::vector<std::unique_ptr<SimServer>> servers_;
  std::vector<Body> bodies_;

  SimTime now_ = 0;
  uint64_t sequence_ = 0;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::vector<raftpb::Message> in_flight_;  // By slot.
  std::vector<uint64_t> free_slots_;
  std::vector<raftpb::Message> old_messages_;  // A few of long ago.
  std::vector<SimTime> delays_;
  bool healing_ = false;
  std::unique_ptr<Script> script_;
  SimulationResult result_;

  std::unique_ptr<Clients> clients_;  // Of the application.
  std::vector<const WalDisk*> wal_disks_;
  uint64_t next_proposal_ = 1;
  uint64_t next_read_ = 1;
  uint64_t reads_seen_ = 0;
  uint64_t last_read_answered_ = 0;
  std::vector<uint64_t> probes_applied_;  // Proposals of the liveness check, by server.
  std::vector<uint64_t> probes_read_;
  Coverage coverage_;
  uint64_t trace_hash_ = 0;
  raft::NodeId delivering_to_ = raft::kNone;  // While a message is handled that released reads, and
  std::string delivered_round_;               // the round of heartbeats that it answers.
};

template <typename... Parts>
void Simulation::Trace(const Parts&... parts) {
  if (options_.trace == nullptr) return;
  options_.trace->push_back(
      absl::StrCat(absl::StrFormat("%10.3f  ", static_cast<double>(now_) / kTick), parts...));
}

template <typename... Parts>
void Simulation::Note(raft::NodeId id, const Parts&... parts) {
  if (options_.recording != nullptr) {
    options_.recording->Event(now_, id, absl::StrCat(parts...));
  }
  if (id == raft::kNone) return Trace(parts...);
  Trace(id, " ", parts...);
}

}  // namespace rafttest

#endif  // RAFT_RAFTTEST_SIMULATION_H_
