#include "examples/raftexample/server/member_storage.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "examples/raftexample/proto/internal.pb.h"
#include "examples/raftexample/server/cluster_ids.h"
#include "examples/raftexample/transport/transport.h"
#include "storage/log_batch.h"
#include "storage/posix_file_system.h"

namespace raftexample {

using etcdserverpb::Member;

namespace {

constexpr storage::GroupId kGroup = 1;  // There is but one.

std::vector<std::string> SortedPeerUrls(const Member& member) {
  std::vector<std::string> urls(member.peerurls().begin(), member.peerurls().end());
  std::sort(urls.begin(), urls.end());
  return urls;
}

// The entry that adds a founder tells the address book the same as any later one would.
raft::Peer FounderOf(const Member& member) {
  internal::MemberChange change;
  change.set_kind(internal::MemberChange::ADD);
  *change.mutable_member() = member;
  return {.id = member.id(), .context = absl::Cord(change.SerializeAsString())};
}

// The state machine was replaced by a snapshot, and then the process ended before the log learnt of
// it. Teaches it now; without the mark, a state machine ahead of the log is a log that lost its
// end.
absl::Status FinishInstalling(MemberStorage& member) {
  absl::StatusOr<absl::optional<raftpb::SnapshotMetadata>> installing =
      member.directory->Installing();
  if (!installing.ok()) return installing.status();
  if (!installing->has_value()) return absl::OkStatus();
  const raftpb::SnapshotMetadata& snapshot = **installing;
  if (member.state->applied() == snapshot.id() && member.log->LastIndex(kGroup) < snapshot.index) {
    absl::Status saved = member.snapshots->Save(kGroup, {.metadata = snapshot});
    if (!saved.ok()) return saved;
    storage::LogBatch batch;
    batch.RestoreSnapshot(kGroup, snapshot);
    if (absl::Status written = member.log->Write(batch); !written.ok()) return written;
  }
  return member.directory->ClearInstalling();
}

absl::Status OpenParts(const storage::LogOptions& log_options, bool founding,
                       StateMachine::Options state_options, MemberStorage& member) {
  storage::FileSystem& fs = storage::PosixFileSystem();
  absl::StatusOr<std::unique_ptr<storage::LogStore>> log =
      founding ? storage::LogStore::Create(fs, member.directory->log(), log_options)
               : storage::LogStore::Open(fs, member.directory->log(), log_options);
  if (!log.ok()) return log.status();
  member.log = *std::move(log);
  absl::StatusOr<std::unique_ptr<storage::SnapshotStore>> snapshots = storage::SnapshotStore::Open(
      fs, member.directory->snapshots(), {.identity = log_options.identity});
  if (!snapshots.ok()) return snapshots.status();
  member.snapshots = *std::move(snapshots);
  state_options.backend.directory = member.directory->store();
  absl::StatusOr<std::unique_ptr<StateMachine>> state =
      StateMachine::Open(std::move(state_options));
  if (!state.ok()) return state.status();
  member.state = *std::move(state);
  return absl::OkStatus();
}

absl::Status OpenStorage(MemberStorage& member) {
  storage::DiskStorageOptions options = {.group = kGroup, .applied = member.state->applied()};
  if (options.applied.index > 0) options.conf_state = member.state->conf_state();
  absl::StatusOr<std::unique_ptr<storage::DiskStorage>> storage =
      storage::DiskStorage::Open(*member.log, *member.snapshots, options);
  if (!storage.ok()) return storage.status();
  member.storage = *std::move(storage);
  return absl::OkStatus();
}

// Whether the log holds nothing at all: the group has not begun.
absl::StatusOr<bool> HasNotBegun(const storage::DiskStorage& storage) {
  absl::StatusOr<raft::Storage::InitialState> initial = storage.Initial();
  if (!initial.ok()) return initial.status();
  return initial->hard_state.empty() && storage.LastIndex() == 0;
}

}  // namespace

Foundation FoundCluster(const ServerConfig& config) {
  Foundation foundation;
  std::vector<uint64_t> ids;
  for (const auto& [name, urls] : config.initial_cluster) {
    Member& member = foundation.members.emplace_back();
    member.set_id(FoundingMemberId(ToStrings(urls), config.initial_cluster_token));
    for (const std::string& url : ToStrings(urls)) member.add_peerurls(url);
    ids.push_back(member.id());
    if (name == config.name) foundation.identity.ids.node_id = member.id();
  }
  foundation.identity.ids.cluster_id = ClusterId(std::move(ids), config.initial_cluster_token);
  return foundation;
}

absl::StatusOr<Foundation> JoinCluster(const ServerConfig& config) {
  std::vector<Url> others;
  for (const auto& [name, urls] : config.initial_cluster) {
    if (name != config.name) others.insert(others.end(), urls.begin(), urls.end());
  }
  absl::StatusOr<RemoteCluster> cluster = AskForMembers(others, config.peer_tls, absl::Seconds(5));
  if (!cluster.ok()) {
    return absl::UnavailableError(
        absl::StrCat("no member of the existing cluster answered: ", cluster.status().message()));
  }
  std::vector<std::string> own = ToStrings(config.initial_advertise_peer_urls);
  std::sort(own.begin(), own.end());
  for (const Member& member : cluster->members) {
    if (SortedPeerUrls(member) != own) continue;
    return Foundation{.identity = {.ids = {.cluster_id = cluster->cluster, .node_id = member.id()},
                                   .joined = true},
                      .members = cluster->members};
  }
  return absl::FailedPreconditionError(
      absl::StrCat("the existing cluster has no member with the peer URLs ",
                   absl::StrJoin(own, ","), ": add it first (etcdctl member add)"));
}

absl::StatusOr<MemberStorage> OpenMemberStorage(const ServerConfig& config,
                                                StateMachine::Options state_options,
                                                raft::Logger* logger) {
  MemberStorage member;
  absl::StatusOr<std::unique_ptr<DataDirectory>> directory =
      DataDirectory::Open(storage::PosixFileSystem(), config.data_dir);
  if (!directory.ok()) return directory.status();
  member.directory = *std::move(directory);

  const bool founding = !member.directory->identity().has_value();
  DataDirectory::Identity identity;
  if (founding) {
    absl::StatusOr<Foundation> foundation = FoundCluster(config);
    if (config.join_existing) foundation = JoinCluster(config);
    if (!foundation.ok()) return foundation.status();
    identity = foundation->identity;
    if (absl::Status clean = member.directory->RemoveLeftovers(); !clean.ok()) return clean;
    member.known_members = std::move(foundation->members);
  } else {
    identity = *member.directory->identity();
  }
  member.identity = identity.ids;

  const storage::LogOptions log_options = {.identity = identity.ids, .logger = logger};
  absl::Status opened = OpenParts(log_options, founding, std::move(state_options), member);
  if (opened.ok()) opened = FinishInstalling(member);
  if (opened.ok()) opened = OpenStorage(member);
  // Last: from here on losing the log is an error, and no longer a new start.
  if (opened.ok() && founding) opened = member.directory->Found(identity);
  if (!opened.ok()) return opened;

  absl::StatusOr<bool> new_group = HasNotBegun(*member.storage);
  if (!new_group.ok()) return new_group.status();
  if (*new_group && !identity.joined) {
    const Foundation foundation = FoundCluster(config);
    if (foundation.identity.ids.node_id != identity.ids.node_id ||
        foundation.identity.ids.cluster_id != identity.ids.cluster_id) {
      return absl::FailedPreconditionError(
          absl::StrCat("data directory ", config.data_dir,
                       " was made for another --initial-cluster or token, and has not begun"));
    }
    for (const Member& founder : foundation.members) member.founders.push_back(FounderOf(founder));
    member.known_members = foundation.members;
  } else if (*new_group && member.known_members.empty()) {
    absl::StatusOr<Foundation> foundation = JoinCluster(config);
    if (foundation.ok()) member.known_members = std::move(foundation->members);
  }
  return member;
}

}  // namespace raftexample
