#include "examples/raftexample/auth/access.h"

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

using Rule = Access (*)(const Message& request, LeaseKeys lease_keys);

template <Who who>
Access Always(const Message&, LeaseKeys) {
  return Only(who);
}
constexpr Rule kAnyone = Always<Who::kAnyone>;
constexpr Rule kUser = Always<Who::kUser>;
constexpr Rule kAdmin = Always<Who::kAdmin>;

// A rule for requests of one type; anything else falls to the administrator.
template <typename Request, Access (*rule)(const Request&, LeaseKeys)>
Access For(const Message& message, LeaseKeys lease_keys) {
  const auto* request = dynamic_cast<const Request*>(&message);
  return request == nullptr ? Only(Who::kAdmin) : rule(*request, lease_keys);
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

// A lock or an election is held by a key below its name, which lives as long as a lease.
template <typename Request>
Access OfHolding(const Request& request, LeaseKeys lease_keys) {
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
constexpr struct {
  absl::string_view method;
  Rule rule;
} kRules[] = {
    {"/etcdserverpb.KV/Range", For<etcdserverpb::RangeRequest, Collect>},
    {"/etcdserverpb.KV/Put", For<etcdserverpb::PutRequest, Collect>},
    {"/etcdserverpb.KV/DeleteRange", For<etcdserverpb::DeleteRangeRequest, Collect>},
    {"/etcdserverpb.KV/Txn", For<etcdserverpb::TxnRequest, Collect>},
    {"/etcdserverpb.KV/Compact", kAdmin},

    {"/etcdserverpb.Watch/Watch", For<etcdserverpb::WatchRequest, OfWatch>},

    {"/etcdserverpb.Lease/LeaseGrant", kUser},
    {"/etcdserverpb.Lease/LeaseRevoke", For<etcdserverpb::LeaseRevokeRequest, OfLeaseRevoke>},
    {"/etcdserverpb.Lease/LeaseKeepAlive", kUser},
    {"/etcdserverpb.Lease/LeaseTimeToLive",
     For<etcdserverpb::LeaseTimeToLiveRequest, OfTimeToLive>},
    {"/etcdserverpb.Lease/LeaseLeases", kUser},

    // Clients find the members before they log in.
    {"/etcdserverpb.Cluster/MemberList", kAnyone},
    {"/etcdserverpb.Cluster/MemberAdd", kAdmin},
    {"/etcdserverpb.Cluster/MemberRemove", kAdmin},
    {"/etcdserverpb.Cluster/MemberUpdate", kAdmin},
    {"/etcdserverpb.Cluster/MemberPromote", kAdmin},

    {"/etcdserverpb.Maintenance/Status", kAnyone},
    {"/etcdserverpb.Maintenance/Alarm", For<etcdserverpb::AlarmRequest, OfAlarm>},
    {"/etcdserverpb.Maintenance/Defragment", kAdmin},
    {"/etcdserverpb.Maintenance/Hash", kAdmin},
    {"/etcdserverpb.Maintenance/HashKV", kAdmin},
    {"/etcdserverpb.Maintenance/Snapshot", kAdmin},
    {"/etcdserverpb.Maintenance/MoveLeader", kAdmin},
    {"/etcdserverpb.Maintenance/Downgrade", kAdmin},

    {"/etcdserverpb.Auth/Authenticate", kAnyone},
    {"/etcdserverpb.Auth/AuthStatus", kAdmin},
    {"/etcdserverpb.Auth/AuthEnable", kAdmin},
    {"/etcdserverpb.Auth/AuthDisable", kAdmin},
    {"/etcdserverpb.Auth/UserAdd", kAdmin},
    {"/etcdserverpb.Auth/UserGet", For<etcdserverpb::AuthUserGetRequest, OfUserGet>},
    {"/etcdserverpb.Auth/UserList", kAdmin},
    {"/etcdserverpb.Auth/UserDelete", kAdmin},
    {"/etcdserverpb.Auth/UserChangePassword", kAdmin},
    {"/etcdserverpb.Auth/UserGrantRole", kAdmin},
    {"/etcdserverpb.Auth/UserRevokeRole", kAdmin},
    {"/etcdserverpb.Auth/RoleAdd", kAdmin},
    {"/etcdserverpb.Auth/RoleGet", For<etcdserverpb::AuthRoleGetRequest, OfRoleGet>},
    {"/etcdserverpb.Auth/RoleList", kAdmin},
    {"/etcdserverpb.Auth/RoleDelete", kAdmin},
    {"/etcdserverpb.Auth/RoleGrantPermission", kAdmin},
    {"/etcdserverpb.Auth/RoleRevokePermission", kAdmin},

    {"/v3lockpb.Lock/Lock", For<v3lockpb::LockRequest, OfHolding>},
    {"/v3lockpb.Lock/Unlock", For<v3lockpb::UnlockRequest, OfUnlock>},
    {"/v3electionpb.Election/Campaign", For<v3electionpb::CampaignRequest, OfHolding>},
    {"/v3electionpb.Election/Proclaim", For<v3electionpb::ProclaimRequest, OfProclaim>},
    {"/v3electionpb.Election/Leader", For<v3electionpb::LeaderRequest, OfLeader>},
    {"/v3electionpb.Election/Observe", For<v3electionpb::LeaderRequest, OfLeader>},
    {"/v3electionpb.Election/Resign", For<v3electionpb::ResignRequest, OfResign>},

    {"/grpc.health.v1.Health/Check", kAnyone},
};

Rule RuleOf(absl::string_view method) {
  static const auto& rules = *[] {
    auto* by_method = new absl::flat_hash_map<absl::string_view, Rule>;
    for (const auto& [name, rule] : kRules) by_method->emplace(name, rule);
    return by_method;
  }();
  auto found = rules.find(method);
  return found == rules.end() ? nullptr : found->second;
}

}  // namespace

Access AccessOf(absl::string_view method, const Message& request, LeaseKeys lease_keys) {
  const Rule rule = RuleOf(method);
  return rule == nullptr ? Only(Who::kAdmin) : rule(request, lease_keys);
}

bool HasRule(absl::string_view method) { return RuleOf(method) != nullptr; }

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
