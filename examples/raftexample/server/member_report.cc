#include "examples/raftexample/server/member_report.h"

#include "examples/raftexample/metrics/process_metrics.h"
#include "examples/raftexample/server/server.h"

namespace raftexample {

using peer::MemberReport;

namespace {

void FillRaft(Server& server, MemberReport& report) {
  const raft::BasicStatus status = server.status();
  report.set_member_id(server.member_id());
  report.set_leader_id(server.leader());
  report.set_term(status.hard_state.term);
  report.set_commit(status.hard_state.commit);
  report.set_applied(server.state().applied_index());
  report.set_leaderless_seconds(absl::ToDoubleSeconds(server.leaderless()));
  report.set_leader_changes(server.leader_changes());
  report.set_pending_proposals(server.waiting());
  const storage::LogStats log = server.log_stats();
  report.set_log_bytes(log.disk_bytes);
  report.set_log_syncs(log.syncs);
}

void FillStore(StateMachine& state, MemberReport& report) {
  report.set_revision(state.store().revision());
  report.set_compacted(state.store().compacted());
  report.set_keys(state.store().key_count());
  report.set_leases(state.leases().size());
  const WatchHub::Counts watches = state.watches().counts();
  report.set_watches(watches.watches);
  report.set_watch_streams(watches.streams);
  report.set_slow_watches(watches.unsynced + watches.slow);
  report.set_watch_events(watches.events);
  report.set_store_bytes(state.backend().size());
  report.set_store_bytes_in_use(state.backend().size_in_use());
  report.set_quota_bytes(static_cast<uint64_t>(state.quota().bytes()));
  for (const etcdserverpb::AlarmMember& active : state.alarms().Active()) {
    MemberReport::Alarm& alarm = *report.add_alarms();
    alarm.set_member_id(active.memberid());
    alarm.set_kind(etcdserverpb::AlarmType_Name(active.alarm()));
  }
}

void FillProgress(Server& server, MemberReport& report) {
  if (!server.is_leader()) return;
  const absl::StatusOr<raft::Status> status = server.FullStatus();
  if (!status.ok()) return;
  for (const auto& [id, known] : status->progress) {
    MemberReport::Progress& progress = *report.add_progress();
    progress.set_member_id(id);
    progress.set_match(known.match());
    switch (known.state()) {
      case raft::tracker::ProgressState::kProbe: progress.set_state("probe"); break;
      case raft::tracker::ProgressState::kReplicate: progress.set_state("replicate"); break;
      case raft::tracker::ProgressState::kSnapshot: progress.set_state("snapshot"); break;
    }
  }
}

void Fill(const prometheus::ClientMetric::Histogram& histogram, MemberReport::Latency& latency) {
  for (const prometheus::ClientMetric::Bucket& bucket : histogram.bucket) {
    latency.add_bounds(bucket.upper_bound);
    latency.add_counts(bucket.cumulative_count);
  }
}

}  // namespace

MemberReport ReportOf(Server& server) {
  MemberReport report;
  FillRaft(server, report);
  FillStore(server.state(), report);
  FillProgress(server, report);
  const Meters& meters = server.meters();
  Fill(meters.calls.Durations(
           {"/etcdserverpb.KV/Put", "/etcdserverpb.KV/DeleteRange", "/etcdserverpb.KV/Txn"}),
       *report.mutable_writes());
  Fill(meters.calls.Durations({"/etcdserverpb.KV/Range"}), *report.mutable_reads());
  Fill(meters.log_sync.Collect().histogram, *report.mutable_syncs());
  const ProcessUse use = UseOfProcess();
  report.set_resident_bytes(use.resident_bytes);
  report.set_uptime_seconds(absl::ToDoubleSeconds(absl::Now() - server.started()));
  return report;
}

}  // namespace raftexample
