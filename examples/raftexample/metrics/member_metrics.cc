#include "examples/raftexample/metrics/member_metrics.h"

#include "absl/strings/str_cat.h"

namespace raftexample {
namespace {

template <typename Number>
double D(Number number) {
  return static_cast<double>(number);
}

std::string Hex(uint64_t id) { return absl::StrCat(absl::Hex(id)); }

}  // namespace

Families MemberMetrics::Collect() const {
  FamilyList list;
  AddRaft(list);
  AddStore(list);
  AddNetwork(list);
  return list.Take();
}

void MemberMetrics::AddRaft(FamilyList& list) const {
  const raft::BasicStatus status = server_->status();
  const raft::NodeStats node = server_->node_stats();
  const storage::LogStats log = server_->log_stats();
  list.Gauge("etcd_server_id", "Whose metrics these are.", 1,
             {{"server_id", Hex(server_->member_id())}});
  list.Gauge("etcd_server_version", "The release of etcd whose API this is.", 1,
             {{"server_version", kApiVersion}});
  list.Gauge("etcd_cluster_version", "What the cluster has agreed on.", 1,
             {{"cluster_version", server_->state().membership().cluster_version()}});
  list.Gauge("etcd_server_has_leader", "1 if this member knows a leader.",
             server_->leader() != raft::kNone);
  list.Gauge("etcd_server_is_leader", "1 if this member leads.", server_->is_leader());
  list.Gauge("etcd_server_is_learner", "1 if this member has no vote.", server_->is_learner());
  list.Counter("etcd_server_leader_changes_seen_total", "Leaders that this member has seen.",
               D(server_->leader_changes()));
  list.Gauge("etcd_server_proposals_committed_total", "Last entry known to be committed.",
             D(status.hard_state.commit));
  list.Gauge("etcd_server_proposals_applied_total", "Last entry applied here.",
             D(server_->state().applied_index()));
  list.Gauge("etcd_server_proposals_pending", "Proposals of this member that are not yet applied.",
             D(server_->waiting()));
  list.Gauge("etcd_server_quota_backend_bytes", "Limit of the state machine's file; 0 is none.",
             D(server_->state().quota().bytes()));
  list.Gauge("raftexample_term", "Raft's term.", D(status.hard_state.term));
  list.Counter("raftexample_proposals_total", "Proposals taken by the core.", D(node.proposals));
  list.Counter("raftexample_proposal_batches_total", "In so many pieces.",
               D(node.proposal_batches));
  list.Counter("raftexample_read_index_total", "Linearizable reads answered.", D(node.reads));
  list.Counter("raftexample_read_index_rounds_total", "By so many rounds of heartbeats.",
               D(node.read_rounds));
  list.Counter("etcd_disk_wal_write_bytes_total", "Bytes written to the log.",
               D(log.bytes_written));
  list.Counter("raftexample_log_syncs_total", "Syncs of the log.", D(log.syncs));
  list.Gauge("raftexample_log_disk_bytes", "Of the log's files.", D(log.disk_bytes));
  list.Gauge("raftexample_log_cached_bytes", "Payloads of the log in memory.", D(log.cached_bytes));
}

void MemberMetrics::AddStore(FamilyList& list) const {
  StateMachine& state = server_->state();
  const WatchHub::Counts watches = state.watches().counts();
  list.Gauge("etcd_mvcc_db_total_size_in_bytes", "Of the state machine's file.",
             D(state.backend().size()));
  list.Gauge("etcd_mvcc_db_total_size_in_use_in_bytes", "Of what is in the state machine's file.",
             D(state.backend().size_in_use()));
  list.Gauge("raftexample_backend_pending_bytes", "Writes that are not in the file yet.",
             D(state.backend().pending_bytes()));
  list.Gauge("etcd_debugging_mvcc_keys_total", "Keys.", D(state.store().key_count()));
  list.Gauge("etcd_debugging_mvcc_current_revision", "Of the key space.",
             D(state.store().revision()));
  list.Gauge("etcd_debugging_mvcc_compact_revision", "Up to which history is gone.",
             D(state.store().compacted()));
  list.Gauge("etcd_debugging_mvcc_watch_stream_total", "Streams of watches.", D(watches.streams));
  list.Gauge("etcd_debugging_mvcc_watcher_total", "Watches.", D(watches.watches));
  list.Gauge("etcd_debugging_mvcc_slow_watcher_total", "Watches that are behind.",
             D(watches.unsynced + watches.slow));
  list.Counter("etcd_debugging_mvcc_events_total", "Events handed to watches.", D(watches.events));
  list.Gauge("raftexample_leases", "Leases.", D(state.leases().size()));
  list.Gauge("raftexample_alarms", "Alarms that are active.", D(state.alarms().Active().size()));
}

void MemberMetrics::AddNetwork(FamilyList& list) const {
  const std::vector<etcdserverpb::Member> members = server_->state().membership().Members();
  const std::string self = Hex(server_->member_id());
  for (const etcdserverpb::Member& member : members) {
    if (member.id() == server_->member_id()) continue;
    list.Gauge("etcd_network_active_peers", "1 if there is a connection to the peer.",
               server_->ConnectedFor(member.id()) > absl::ZeroDuration(),
               {{"Local", self}, {"Remote", Hex(member.id())}});
  }
  const std::map<uint64_t, PeerTraffic::Bytes> traffic = server_->peer_traffic();
  for (const auto& [peer, bytes] : traffic) {
    list.Counter("etcd_network_peer_sent_bytes_total", "Bytes of messages sent to a peer.",
                 D(bytes.sent), {{"To", Hex(peer)}});
  }
  for (const auto& [peer, bytes] : traffic) {
    list.Counter("etcd_network_peer_received_bytes_total", "Bytes of messages got from a peer.",
                 D(bytes.received), {{"From", Hex(peer)}});
  }
}

}  // namespace raftexample
