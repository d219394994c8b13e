// Clients written by others hold us to these names and numbers: a field that moves is a protocol
// that broke. Read off their side of it, not off our schema.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "examples/raftexample/proto/election.pb.h"
#include "examples/raftexample/proto/lock.pb.h"
#include "examples/raftexample/proto/rpc.pb.h"
#include "google/protobuf/descriptor.h"
#include "gtest/gtest.h"

namespace raftexample {
namespace {

class Schema : public testing::Test {
 protected:
  Schema() {
    // Makes sure that the files are linked.
    etcdserverpb::RangeRequest::descriptor();
    v3lockpb::LockRequest::descriptor();
    v3electionpb::LeaderRequest::descriptor();
  }
  const google::protobuf::DescriptorPool& pool_ =
      *google::protobuf::DescriptorPool::generated_pool();
};

TEST_F(Schema, FieldsHaveTheNumbersThatClientsUse) {
  const struct {
    const char* message;
    const char* fields;
  } cases[] = {
      {"authpb.Permission", "permType=1 key=2 range_end=3"},
      {"authpb.Role", "name=1 keyPermission=2"},
      {"authpb.User", "name=1 password=2 roles=3 options=4"},
      {"authpb.UserAddOptions", "no_password=1"},
      {"etcdserverpb.AlarmMember", "memberID=1 alarm=2"},
      {"etcdserverpb.AlarmRequest", "action=1 memberID=2 alarm=3"},
      {"etcdserverpb.AlarmResponse", "header=1 alarms=2"},
      {"etcdserverpb.AuthRoleAddRequest", "name=1"},
      {"etcdserverpb.AuthRoleDeleteRequest", "role=1"},
      {"etcdserverpb.AuthRoleGetRequest", "role=1"},
      {"etcdserverpb.AuthRoleGetResponse", "header=1 perm=2"},
      {"etcdserverpb.AuthRoleGrantPermissionRequest", "name=1 perm=2"},
      {"etcdserverpb.AuthRoleRevokePermissionRequest", "role=1 key=2 range_end=3"},
      {"etcdserverpb.AuthStatusResponse", "header=1 enabled=2 authRevision=3"},
      {"etcdserverpb.AuthUserAddRequest", "name=1 password=2 options=3 hashedPassword=4"},
      {"etcdserverpb.AuthUserChangePasswordRequest", "name=1 password=2 hashedPassword=3"},
      {"etcdserverpb.AuthUserDeleteRequest", "name=1"},
      {"etcdserverpb.AuthUserGetRequest", "name=1"},
      {"etcdserverpb.AuthUserGetResponse", "header=1 roles=2"},
      {"etcdserverpb.AuthUserGrantRoleRequest", "user=1 role=2"},
      {"etcdserverpb.AuthUserListResponse", "header=1 users=2"},
      {"etcdserverpb.AuthUserRevokeRoleRequest", "name=1 role=2"},
      {"etcdserverpb.AuthenticateRequest", "name=1 password=2"},
      {"etcdserverpb.AuthenticateResponse", "header=1 token=2"},
      {"etcdserverpb.CompactionRequest", "revision=1 physical=2"},
      {"etcdserverpb.CompactionResponse", "header=1"},
      {"etcdserverpb.Compare",
       "result=1 target=2 key=3 version=4 create_revision=5 mod_revision=6 value=7 lease=8 "
       "range_end=64"},
      {"etcdserverpb.DeleteRangeRequest", "key=1 range_end=2 prev_kv=3"},
      {"etcdserverpb.DeleteRangeResponse", "header=1 deleted=2 prev_kvs=3"},
      {"etcdserverpb.DowngradeInfo", "enabled=1 targetVersion=2"},
      {"etcdserverpb.DowngradeRequest", "action=1 version=2"},
      {"etcdserverpb.DowngradeResponse", "header=1 version=2"},
      {"etcdserverpb.HashKVRequest", "revision=1"},
      {"etcdserverpb.HashKVResponse", "header=1 hash=2 compact_revision=3 hash_revision=4"},
      {"etcdserverpb.HashResponse", "header=1 hash=2"},
      {"etcdserverpb.LeaseCheckpoint", "ID=1 remaining_TTL=2"},
      {"etcdserverpb.LeaseCheckpointRequest", "checkpoints=1"},
      {"etcdserverpb.LeaseGrantRequest", "TTL=1 ID=2"},
      {"etcdserverpb.LeaseGrantResponse", "header=1 ID=2 TTL=3 error=4"},
      {"etcdserverpb.LeaseKeepAliveRequest", "ID=1"},
      {"etcdserverpb.LeaseKeepAliveResponse", "header=1 ID=2 TTL=3"},
      {"etcdserverpb.LeaseLeasesResponse", "header=1 leases=2"},
      {"etcdserverpb.LeaseRevokeRequest", "ID=1"},
      {"etcdserverpb.LeaseStatus", "ID=1"},
      {"etcdserverpb.LeaseTimeToLiveRequest", "ID=1 keys=2"},
      {"etcdserverpb.LeaseTimeToLiveResponse", "header=1 ID=2 TTL=3 grantedTTL=4 keys=5"},
      {"etcdserverpb.Member", "ID=1 name=2 peerURLs=3 clientURLs=4 isLearner=5"},
      {"etcdserverpb.MemberAddRequest", "peerURLs=1 isLearner=2"},
      {"etcdserverpb.MemberAddResponse", "header=1 member=2 members=3"},
      {"etcdserverpb.MemberListRequest", "linearizable=1"},
      {"etcdserverpb.MemberListResponse", "header=1 members=2"},
      {"etcdserverpb.MemberPromoteRequest", "ID=1"},
      {"etcdserverpb.MemberPromoteResponse", "header=1 members=2"},
      {"etcdserverpb.MemberRemoveRequest", "ID=1"},
      {"etcdserverpb.MemberRemoveResponse", "header=1 members=2"},
      {"etcdserverpb.MemberUpdateRequest", "ID=1 peerURLs=2"},
      {"etcdserverpb.MemberUpdateResponse", "header=1 members=2"},
      {"etcdserverpb.MoveLeaderRequest", "targetID=1"},
      {"etcdserverpb.PutRequest", "key=1 value=2 lease=3 prev_kv=4 ignore_value=5 ignore_lease=6"},
      {"etcdserverpb.PutResponse", "header=1 prev_kv=2"},
      {"etcdserverpb.RangeRequest",
       "key=1 range_end=2 limit=3 revision=4 sort_order=5 sort_target=6 serializable=7 keys_only=8 "
       "count_only=9 min_mod_revision=10 max_mod_revision=11 min_create_revision=12 "
       "max_create_revision=13"},
      {"etcdserverpb.RangeResponse", "header=1 kvs=2 more=3 count=4"},
      {"etcdserverpb.RequestOp",
       "request_range=1 request_put=2 request_delete_range=3 request_txn=4"},
      {"etcdserverpb.ResponseHeader", "cluster_id=1 member_id=2 revision=3 raft_term=4"},
      {"etcdserverpb.ResponseOp",
       "response_range=1 response_put=2 response_delete_range=3 response_txn=4"},
      {"etcdserverpb.SnapshotResponse", "header=1 remaining_bytes=2 blob=3 version=4"},
      {"etcdserverpb.StatusResponse",
       "header=1 version=2 dbSize=3 leader=4 raftIndex=5 raftTerm=6 raftAppliedIndex=7 errors=8 "
       "dbSizeInUse=9 isLearner=10 storageVersion=11 dbSizeQuota=12 downgradeInfo=13"},
      {"etcdserverpb.TxnRequest", "compare=1 success=2 failure=3"},
      {"etcdserverpb.TxnResponse", "header=1 succeeded=2 responses=3"},
      {"etcdserverpb.WatchCancelRequest", "watch_id=1"},
      {"etcdserverpb.WatchCreateRequest",
       "key=1 range_end=2 start_revision=3 progress_notify=4 filters=5 prev_kv=6 watch_id=7 "
       "fragment=8"},
      {"etcdserverpb.WatchRequest", "create_request=1 cancel_request=2 progress_request=3"},
      {"etcdserverpb.WatchResponse",
       "header=1 watch_id=2 created=3 canceled=4 compact_revision=5 cancel_reason=6 fragment=7 "
       "events=11"},
      {"mvccpb.Event", "type=1 kv=2 prev_kv=3"},
      {"mvccpb.KeyValue", "key=1 create_revision=2 mod_revision=3 version=4 value=5 lease=6"},
      {"v3electionpb.CampaignRequest", "name=1 lease=2 value=3"},
      {"v3electionpb.CampaignResponse", "header=1 leader=2"},
      {"v3electionpb.LeaderKey", "name=1 key=2 rev=3 lease=4"},
      {"v3electionpb.LeaderRequest", "name=1"},
      {"v3electionpb.LeaderResponse", "header=1 kv=2"},
      {"v3electionpb.ProclaimRequest", "leader=1 value=2"},
      {"v3electionpb.ResignRequest", "leader=1"},
      {"v3lockpb.LockRequest", "name=1 lease=2"},
      {"v3lockpb.LockResponse", "header=1 key=2"},
      {"v3lockpb.UnlockRequest", "key=1"},
  };
  for (const auto& c : cases) {
    const auto* message = pool_.FindMessageTypeByName(c.message);
    ASSERT_NE(message, nullptr) << c.message;
    std::vector<std::string> fields;
    for (int i = 0; i < message->field_count(); ++i) {
      fields.push_back(absl::StrCat(message->field(i)->name(), "=", message->field(i)->number()));
    }
    EXPECT_EQ(absl::StrJoin(fields, " "), c.fields) << c.message;
  }
}

TEST_F(Schema, EnumsCountFromZero) {
  const struct {
    const char* name;
    const char* values;
  } cases[] = {
      {"etcdserverpb.RangeRequest.SortOrder", "NONE ASCEND DESCEND"},
      {"etcdserverpb.RangeRequest.SortTarget", "KEY VERSION CREATE MOD VALUE"},
      {"etcdserverpb.Compare.CompareResult", "EQUAL GREATER LESS NOT_EQUAL"},
      {"etcdserverpb.Compare.CompareTarget", "VERSION CREATE MOD VALUE LEASE"},
      {"etcdserverpb.WatchCreateRequest.FilterType", "NOPUT NODELETE"},
      {"etcdserverpb.AlarmRequest.AlarmAction", "GET ACTIVATE DEACTIVATE"},
      {"etcdserverpb.AlarmType", "NONE NOSPACE CORRUPT"},
      {"etcdserverpb.DowngradeRequest.DowngradeAction", "VALIDATE ENABLE CANCEL"},
      {"mvccpb.Event.EventType", "PUT DELETE"},
      {"authpb.Permission.Type", "READ WRITE READWRITE"},
  };
  for (const auto& c : cases) {
    const auto* type = pool_.FindEnumTypeByName(c.name);
    ASSERT_NE(type, nullptr) << c.name;
    std::vector<std::string> values;
    for (int i = 0; i < type->value_count(); ++i) {
      EXPECT_EQ(type->value(i)->number(), i) << c.name;
      values.push_back(type->value(i)->name());
    }
    EXPECT_EQ(absl::StrJoin(values, " "), c.values) << c.name;
  }
}

TEST_F(Schema, ServicesHaveTheCallsThatClientsMake) {
  const struct {
    const char* service;
    const char* methods;  // A star before or after: the client, or the server, streams.
  } cases[] = {
      {"etcdserverpb.KV", "Range Put DeleteRange Txn Compact"},
      {"etcdserverpb.Watch", "*Watch*"},
      {"etcdserverpb.Lease", "LeaseGrant LeaseRevoke *LeaseKeepAlive* LeaseTimeToLive LeaseLeases"},
      {"etcdserverpb.Cluster", "MemberAdd MemberRemove MemberUpdate MemberList MemberPromote"},
      {"etcdserverpb.Maintenance",
       "Alarm Status Defragment Hash HashKV Snapshot* MoveLeader Downgrade"},
      {"etcdserverpb.Auth",
       "AuthEnable AuthDisable AuthStatus Authenticate UserAdd UserGet UserList UserDelete "
       "UserChangePassword UserGrantRole UserRevokeRole RoleAdd RoleGet RoleList RoleDelete "
       "RoleGrantPermission RoleRevokePermission"},
      {"v3lockpb.Lock", "Lock Unlock"},
      {"v3electionpb.Election", "Campaign Proclaim Leader Observe* Resign"},
  };
  for (const auto& c : cases) {
    const auto* service = pool_.FindServiceByName(c.service);
    ASSERT_NE(service, nullptr) << c.service;
    std::vector<std::string> methods;
    for (int i = 0; i < service->method_count(); ++i) {
      const auto* method = service->method(i);
      methods.push_back(absl::StrCat(method->client_streaming() ? "*" : "", method->name(),
                                     method->server_streaming() ? "*" : ""));
    }
    EXPECT_EQ(absl::StrJoin(methods, " "), c.methods) << c.service;
  }
}

}  // namespace
}  // namespace raftexample
