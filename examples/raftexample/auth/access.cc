#include "examples/raftexample/auth/access.h"

#include <functional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "examples/raftexample/proto/election.pb.h"
#include "examples/raftexample/proto/lock.pb.h"
#include "examples/raftexample/proto/rpc.pb.h"

namespace raftexample {
namespace {

using Who = Access::Who;
using google::protobuf::Message;

Access Only(Who who) {
  Access access;
  access.who = who;
  return access;
}

// Collects what the operations of a request need.
class Collector {
 public:
  explicit Collector(LeaseKeys lease_keys) : lease_keys_(lease_keys) { access_.who = Who::kUser; }

  void Add(const etcdserverpb::RangeRequest& r) { Read({r.key(), r.range_end()}); }
  // A previous value is a read. A lease deletes keys when it ends, so whoever gives it one more to
  // delete must be allowed to write the others.
  void Add(const etcdserverpb::PutRequest& r) {
    Write({r.key(), ""});
    if (r.prev_kv()) Read({r.key(), ""});
    if (r.lease() != 0) WriteKeysOf(r.lease());
  }
  void Add(const etcdserverpb::DeleteRangeRequest& r) {
    Write({r.key(), r.range_end()});
    if (r.prev_kv()) Read({r.key(), r.range_end()});
  }
  // Both branches, and those of transactions inside: which one is taken tells the caller something.
  void Add(const etcdserverpb::TxnRequest& r) {
    for (const etcdserverpb::Compare& c : r.compare()) Read({c.key(), c.range_end()});
    for (const auto* branch : {&r.success(), &r.failure()}) {
      for (const etcdserverpb::RequestOp& op : *branch) {
        if (op.has_request_range()) Add(op.request_range());
        if (op.has_request_put()) Add(op.request_put());
        if (op.has_request_delete_range()) Add(op.request_delete_range());
        if (op.has_request_txn()) Add(op.request_txn());
      }
    }
  }
  void Add(const etcdserverpb::WatchCreateRequest& r) {
    Read(WatchedRange(r.key(), r.range_end()));
  }

  void Read(KeyRange range) { access_.keys.push_back({false, range}); }
  void Write(KeyRange range) { access_.keys.push_back({true, range}); }
  void WriteKeysOf(int64_t lease) {
    for (std::string& key : lease_keys_(lease)) Write({Own(std::move(key)), ""});
  }
  void ReadKeysOf(int64_t lease) {
    for (std::string& key : lease_keys_(lease)) Read({Own(std::move(key)), ""});
  }
  // The keys that a lock or an election lives in: all that begin with its name and a slash.
  KeyRange Below(const std::string& name) {
    return {Own(absl::StrCat(name, "/")), Own(absl::StrCat(name, "0"))};
  }
  Access Take() { return std::move(access_); }

 private:
  absl::string_view Own(std::string s) { return access_.owned.emplace_back(std::move(s)); }

  LeaseKeys lease_keys_;
  Access access_;
};

using Rule = std::function<Access(const Message& request, LeaseKeys lease_keys)>;

Rule Always(Who who) {
  return [who](const Message&, LeaseKeys) { return Only(who); };
}

// A rule for requests of one type; anything else falls to the administrator.
template <typename Request>
Rule For(Access (*rule)(const Request&, LeaseKeys)) {
  return [rule](const Message& message, LeaseKeys lease_keys) {
    const auto* request = dynamic_cast<const Request*>(&message);
    return request == nullptr ? Only(Who::kAdmin) : rule(*request, lease_keys);
  };
}

template <typename Request>
Access Collect(const Request& request, LeaseKeys lease_keys) {
  Collector collector(lease_keys);
  collector.Add(request);
  return collector.Take();
}

Access OfWatch(const etcdserverpb::WatchRequest& request, LeaseKeys lease_keys) {
  if (request.has_create_request()) return Collect(request.create_request(), lease_keys);
  return Only(Who::kUser);
}

Access OfLeaseRevoke(const etcdserverpb::LeaseRevokeRequest& request, LeaseKeys lease_keys) {
  Collector collector(lease_keys);
  collector.WriteKeysOf(request.id());
  return collector.Take();
}

Access OfTimeToLive(const etcdserverpb::LeaseTimeToLiveRequest& request, LeaseKeys lease_keys) {
  Collector collector(lease_keys);
  if (request.keys()) collector.ReadKeysOf(request.id());
  return collector.Take();
}

Access OfAlarm(const etcdserverpb::AlarmRequest& request, LeaseKeys) {
  return Only(request.action() == etcdserverpb::AlarmRequest::GET ? Who::kUser : Who::kAdmin);
}

Access OfUserGet(const etcdserverpb::AuthUserGetRequest& request, LeaseKeys) {
  Access access = Only(Who::kAdmin);
  access.own_user = request.name();
  return access;
}

Access OfRoleGet(const etcdserverpb::AuthRoleGetRequest& request, LeaseKeys) {
  Access access = Only(Who::kAdmin);
  access.own_role = request.role();
  return access;
}

Access OfLock(const v3lockpb::LockRequest& request, LeaseKeys lease_keys) {
  Collector collector(lease_keys);
  const KeyRange keys = collector.Below(request.name());
  collector.Read(keys);
  collector.Write(keys);
  if (request.lease() != 0) collector.WriteKeysOf(request.lease());
  return collector.Take();
}

Access OfUnlock(const v3lockpb::UnlockRequest& request, LeaseKeys lease_keys) {
  Collector collector(lease_keys);
  collector.Write({request.key(), ""});
  return collector.Take();
}

Access OfCampaign(const v3electionpb::CampaignRequest& request, LeaseKeys lease_keys) {
  Collector collector(lease_keys);
  const KeyRange keys = collector.Below(request.name());
  collector.Read(keys);
  collector.Write(keys);
  if (request.lease() != 0) collector.WriteKeysOf(request.lease());
  return collector.Take();
}

Access OfProclaim(const v3electionpb::ProclaimRequest& request, LeaseKeys lease_keys) {
  Collector collector(lease_keys);
  collector.Write({request.leader().key(), ""});
  return collector.Take();
}

Access OfResign(const v3electionpb::ResignRequest& request, LeaseKeys lease_keys) {
  Collector collector(lease_keys);
  collector.Write({request.leader().key(), ""});
  return collector.Take();
}

Access OfLeader(const v3electionpb::LeaderRequest& request, LeaseKeys lease_keys) {
  Collector collector(lease_keys);
  collector.Read(collector.Below(request.name()));
  return collector.Take();
}

// Every call there is. A new one that is forgotten here is closed to all but administrators.
const absl::flat_hash_map<absl::string_view, Rule>& Table() {
  static const auto& table = *new absl::flat_hash_map<absl::string_view, Rule>{
      {"/etcdserverpb.KV/Range", For(Collect<etcdserverpb::RangeRequest>)},
      {"/etcdserverpb.KV/Put", For(Collect<etcdserverpb::PutRequest>)},
      {"/etcdserverpb.KV/DeleteRange", For(Collect<etcdserverpb::DeleteRangeRequest>)},
      {"/etcdserverpb.KV/Txn", For(Collect<etcdserverpb::TxnRequest>)},
      {"/etcdserverpb.KV/Compact", Always(Who::kAdmin)},

      {"/etcdserverpb.Watch/Watch", For(OfWatch)},

      {"/etcdserverpb.Lease/LeaseGrant", Always(Who::kUser)},
      {"/etcdserverpb.Lease/LeaseRevoke", For(OfLeaseRevoke)},
      {"/etcdserverpb.Lease/LeaseKeepAlive", Always(Who::kUser)},
      {"/etcdserverpb.Lease/LeaseTimeToLive", For(OfTimeToLive)},
      {"/etcdserverpb.Lease/LeaseLeases", Always(Who::kUser)},

      // Clients find the members before they log in.
      {"/etcdserverpb.Cluster/MemberList", Always(Who::kAnyone)},
      {"/etcdserverpb.Cluster/MemberAdd", Always(Who::kAdmin)},
      {"/etcdserverpb.Cluster/MemberRemove", Always(Who::kAdmin)},
      {"/etcdserverpb.Cluster/MemberUpdate", Always(Who::kAdmin)},
      {"/etcdserverpb.Cluster/MemberPromote", Always(Who::kAdmin)},

      {"/etcdserverpb.Maintenance/Status", Always(Who::kAnyone)},
      {"/etcdserverpb.Maintenance/Alarm", For(OfAlarm)},
      {"/etcdserverpb.Maintenance/Defragment", Always(Who::kAdmin)},
      {"/etcdserverpb.Maintenance/Hash", Always(Who::kAdmin)},
      {"/etcdserverpb.Maintenance/HashKV", Always(Who::kAdmin)},
      {"/etcdserverpb.Maintenance/Snapshot", Always(Who::kAdmin)},
      {"/etcdserverpb.Maintenance/MoveLeader", Always(Who::kAdmin)},
      {"/etcdserverpb.Maintenance/Downgrade", Always(Who::kAdmin)},

      {"/etcdserverpb.Auth/Authenticate", Always(Who::kAnyone)},
      {"/etcdserverpb.Auth/AuthStatus", Always(Who::kAdmin)},
      {"/etcdserverpb.Auth/AuthEnable", Always(Who::kAdmin)},
      {"/etcdserverpb.Auth/AuthDisable", Always(Who::kAdmin)},
      {"/etcdserverpb.Auth/UserAdd", Always(Who::kAdmin)},
      {"/etcdserverpb.Auth/UserGet", For(OfUserGet)},
      {"/etcdserverpb.Auth/UserList", Always(Who::kAdmin)},
      {"/etcdserverpb.Auth/UserDelete", Always(Who::kAdmin)},
      {"/etcdserverpb.Auth/UserChangePassword", Always(Who::kAdmin)},
      {"/etcdserverpb.Auth/UserGrantRole", Always(Who::kAdmin)},
      {"/etcdserverpb.Auth/UserRevokeRole", Always(Who::kAdmin)},
      {"/etcdserverpb.Auth/RoleAdd", Always(Who::kAdmin)},
      {"/etcdserverpb.Auth/RoleGet", For(OfRoleGet)},
      {"/etcdserverpb.Auth/RoleList", Always(Who::kAdmin)},
      {"/etcdserverpb.Auth/RoleDelete", Always(Who::kAdmin)},
      {"/etcdserverpb.Auth/RoleGrantPermission", Always(Who::kAdmin)},
      {"/etcdserverpb.Auth/RoleRevokePermission", Always(Who::kAdmin)},

      {"/v3lockpb.Lock/Lock", For(OfLock)},
      {"/v3lockpb.Lock/Unlock", For(OfUnlock)},
      {"/v3electionpb.Election/Campaign", For(OfCampaign)},
      {"/v3electionpb.Election/Proclaim", For(OfProclaim)},
      {"/v3electionpb.Election/Leader", For(OfLeader)},
      {"/v3electionpb.Election/Observe", For(OfLeader)},
      {"/v3electionpb.Election/Resign", For(OfResign)},

      {"/grpc.health.v1.Health/Check", Always(Who::kAnyone)},
  };
  return table;
}

}  // namespace

Access AccessOf(absl::string_view method, const Message& request, LeaseKeys lease_keys) {
  auto rule = Table().find(method);
  return rule == Table().end() ? Only(Who::kAdmin) : rule->second(request, lease_keys);
}

Access AccessOf(const internal::Command& command, LeaseKeys lease_keys) {
  using internal::Command;
  if (command.header().by_member()) return Only(Who::kAnyone);
  switch (command.op_case()) {
    case Command::kPut: return Collect(command.put(), lease_keys);
    case Command::kDeleteRange: return Collect(command.delete_range(), lease_keys);
    case Command::kTxn: return Collect(command.txn(), lease_keys);
    case Command::kLeaseGrant: return Only(Who::kUser);
    case Command::kLeaseRevoke: return OfLeaseRevoke(command.lease_revoke(), lease_keys);
    case Command::kAlarm: return OfAlarm(command.alarm(), lease_keys);
    // Its applying asks for more than a permission.
    case Command::kIssueToken: return Only(Who::kAnyone);
    default: return Only(Who::kAdmin);
  }
}

}  // namespace raftexample
