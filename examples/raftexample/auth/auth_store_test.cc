#include "examples/raftexample/auth/auth_store.h"

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "examples/raftexample/auth/password.h"
#include "examples/raftexample/proto/election.pb.h"
#include "examples/raftexample/proto/errors.h"
#include "examples/raftexample/proto/lock.pb.h"
#include "examples/raftexample/testing/temp_directory.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace raftexample {
namespace {

using internal::Command;
using std::chrono::seconds;

const std::string kZero(1, '\0');

template <typename Message>
Message Parse(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

AuthStore::Time At(int s) { return AuthStore::Time() + seconds(s); }

class AuthTest : public testing::Test {
 protected:
  AuthTest() { Open(); }
  void Open() {
    auth_ = nullptr;
    backend_ = nullptr;
    backend_ = *Backend::Open({dir_ / "db", 64 << 20, /*sync=*/false});
    auth_ = *AuthStore::Open(backend_.get(), {.token_idle = seconds(300), .bcrypt_cost = 4});
  }

  absl::Status Apply(const std::string& text) {
    Command command = Parse<Command>(text);
    if (command.has_user_add()) {
      if (absl::Status s = auth_->HashPasswordIn(command.mutable_user_add()); !s.ok()) return s;
    }
    if (command.has_user_change_password()) {
      absl::Status s = auth_->HashPasswordIn(command.mutable_user_change_password());
      if (!s.ok()) return s;
    }
    return auth_->Apply(command, ++index_).status();
  }
  // Users root and alice, authentication on. Alice has the role al, which may do what `permissions`
  // say: each TYPE key range_end.
  struct Permission {
    std::string type, key, end;
  };
  void Enable(const std::vector<Permission>& permissions) {
    for (const char* text :
         {R"(user_add { name: "root" password: "r" })", R"(role_add { name: "root" })",
          R"(user_grant_role { user: "root" role: "root" })",
          R"(user_add { name: "alice" password: "a" })", R"(role_add { name: "al" })",
          R"(user_grant_role { user: "alice" role: "al" })"}) {
      ASSERT_TRUE(Apply(text).ok()) << text;
    }
    for (const Permission& p : permissions) {
      Command command;
      command.mutable_role_grant_permission()->set_name("al");
      authpb::Permission& perm = *command.mutable_role_grant_permission()->mutable_perm();
      perm.set_key(p.key);
      perm.set_range_end(p.end);
      perm.set_permtype(p.type == "r"   ? authpb::Permission::READ
                        : p.type == "w" ? authpb::Permission::WRITE
                                        : authpb::Permission::READWRITE);
      ASSERT_TRUE(auth_->Apply(command, ++index_).ok());
    }
    ASSERT_TRUE(Apply("auth_enable { }").ok());
  }
  Caller As(const std::string& user) { return {user, user.empty() ? 0 : auth_->revision()}; }
  std::vector<std::string> KeysOf(int64_t lease) {
    return lease == 7 ? std::vector<std::string>{"lx", "ly"} : std::vector<std::string>();
  }
  absl::Status Authorize(const std::string& user, const std::string& method,
                         const google::protobuf::Message& request) {
    return auth_->Authorize(As(user), method, request,
                            [this](int64_t lease) { return KeysOf(lease); });
  }
  template <typename Request>
  bool May(const std::string& user, const std::string& method, const std::string& request) {
    const absl::Status s =
        Authorize(user, absl::StrCat("/etcdserverpb.", method), Parse<Request>(request));
    EXPECT_TRUE(s.ok() || errors::kPermissionDenied.Is(s) || errors::kUserEmpty.Is(s)) << s;
    return s.ok();
  }
  std::string Login(const std::string& user, const std::string& password) {
    absl::StatusOr<Caller> caller = auth_->Login(user, password);
    if (!caller.ok()) return std::string(caller.status().message());
    Command command;
    command.mutable_header()->set_auth_revision(caller->auth_revision);
    command.mutable_issue_token()->set_user(user);
    command.mutable_issue_token()->set_secret(NewSecret());
    absl::StatusOr<std::string> token = auth_->Apply(command, ++index_);
    return token.ok() ? *token : std::string(token.status().message());
  }
  std::string UserOf(const std::string& token, int at = 0) {
    absl::StatusOr<Caller> caller = auth_->CallerOf(token, At(at));
    return caller.ok() ? caller->user : std::string(caller.status().message());
  }

  TempDirectory dir_;
  uint64_t index_ = 0;
  std::unique_ptr<Backend> backend_;
  std::unique_ptr<AuthStore> auth_;
};

// --- Users and roles -----------------------------------------------------------------------------

TEST_F(AuthTest, SaysWhyAChangeCannotBe) {
  const absl::Status ok;
  const struct {
    const char* command;
    absl::Status expected;
  } steps[] = {
      {R"(auth_enable { })", errors::kRootUserMissing},
      {R"(auth_disable { })", ok},
      {R"(user_add { password: "x" })", errors::kUserEmpty},
      {R"(user_add { name: "root" password: "x" })", ok},
      {R"(user_add { name: "root" password: "x" })", errors::kUserExists},
      {R"(auth_enable { })", errors::kRootRoleMissing},
      {R"(user_grant_role { user: "root" role: "root" })", ok},  // Need not exist.
      {R"(user_grant_role { user: "nobody" role: "root" })", errors::kUserNotFound},
      {R"(user_grant_role { user: "root" role: "none" })", errors::kRoleNotFound},
      {R"(role_add { name: "" })", errors::kRoleEmpty},
      {R"(role_add { name: "r" })", ok},
      {R"(role_add { name: "r" })", errors::kRoleExists},
      {R"(user_grant_role { user: "root" role: "r" })", ok},
      {R"(user_grant_role { user: "root" role: "r" })", ok},  // Twice is fine.
      {R"(role_grant_permission { name: "none" perm { key: "k" } })", errors::kRoleNotFound},
      {R"(role_grant_permission { name: "r" perm { key: "k" range_end: "a" } })", ok},
      {R"(role_grant_permission { name: "r" })", errors::kPermissionNotGiven},
      {R"(role_grant_permission { name: "r" perm { key: "k" } })", ok},
      {R"(role_revoke_permission { role: "none" key: "k" })", errors::kRoleNotFound},
      {R"(role_revoke_permission { role: "r" key: "k" range_end: "l" })",
       errors::kPermissionNotGranted},
      {R"(role_revoke_permission { role: "r" key: "k" })", ok},
      {R"(role_revoke_permission { role: "r" key: "k" })", errors::kPermissionNotGranted},
      {R"(user_revoke_role { name: "nobody" role: "r" })", errors::kUserNotFound},
      {R"(user_revoke_role { name: "root" role: "none" })", errors::kRoleNotGranted},
      {R"(user_change_password { name: "nobody" password: "x" })", errors::kUserNotFound},
      {R"(auth_enable { })", ok},
      {R"(auth_enable { })", ok},
      {R"(user_delete { name: "root" })", errors::kInvalidAuthManagement},
      {R"(user_revoke_role { name: "root" role: "root" })", errors::kInvalidAuthManagement},
      {R"(role_delete { role: "root" })", errors::kInvalidAuthManagement},
      {R"(role_delete { role: "r" })", ok},
      {R"(role_delete { role: "r" })", errors::kRoleNotFound},
      {R"(user_delete { name: "nobody" })", errors::kUserNotFound},
      {R"(auth_disable { })", ok},
      {R"(user_delete { name: "root" })", ok},
  };
  for (const auto& step : steps) EXPECT_EQ(Apply(step.command), step.expected) << step.command;
}

TEST_F(AuthTest, ListsAreSortedAndSurviveARestart) {
  for (const char* text :
       {R"(user_add { name: "b" password: "x" })", R"(user_add { name: "a" password: "x" })",
        R"(role_add { name: "s" })", R"(role_add { name: "r" })",
        R"(user_grant_role { user: "a" role: "s" })", R"(user_grant_role { user: "a" role: "r" })",
        R"(role_grant_permission { name: "r" perm { key: "z" range_end: "zz" } })",
        R"(role_grant_permission { name: "r" perm { key: "m" range_end: "n" } })",
        R"(role_grant_permission { name: "r" perm { key: "m" } })",
        R"(role_grant_permission { name: "r" perm { key: "m" permType: WRITE } })"}) {
    ASSERT_TRUE(Apply(text).ok()) << text;
  }
  const uint64_t revision = auth_->revision();
  ASSERT_TRUE(backend_->Commit().ok());
  Open();
  EXPECT_EQ(auth_->revision(), revision);
  EXPECT_FALSE(auth_->enabled());
  EXPECT_EQ(auth_->ListUsers().ShortDebugString(), R"(users: "a" users: "b")");
  EXPECT_EQ(auth_->ListRoles().ShortDebugString(), R"(roles: "r" roles: "s")");
  EXPECT_EQ(auth_->GetUser("a")->ShortDebugString(), R"(roles: "r" roles: "s")");
  EXPECT_EQ(auth_->GetRole("r")->ShortDebugString(),
            R"(perm { key: "m" range_end: "n" } perm { permType: WRITE key: "m" } )"
            R"(perm { key: "z" range_end: "zz" })")
      << "by key; equal ones as they were granted";
  EXPECT_TRUE(errors::kUserNotFound.Is(auth_->GetUser("c").status()));
  EXPECT_TRUE(errors::kRoleNotFound.Is(auth_->GetRole("t").status()));
  ASSERT_TRUE(Apply(R"(role_delete { role: "r" })").ok());
  EXPECT_EQ(auth_->GetUser("a")->ShortDebugString(), R"(roles: "s")") << "taken from the users";
}

// --- Logins --------------------------------------------------------------------------------------

TEST_F(AuthTest, OnlyTheRightPasswordLogsIn) {
  EXPECT_EQ(Login("root", "r"), "etcdserver: authentication is not enabled");
  ASSERT_TRUE(Apply(R"(user_add { name: "cert" options { no_password: true } })").ok());
  Enable({});
  const std::string failed = "etcdserver: authentication failed, invalid user ID or password";
  EXPECT_EQ(Login("alice", "wrong"), failed);
  EXPECT_EQ(Login("nobody", "a"), failed);
  EXPECT_EQ(Login("cert", ""),
            "auth: authentication failed, password was given for no password user");
  EXPECT_EQ(UserOf(Login("alice", "a")), "alice");
  EXPECT_EQ(auth_->CallerOfCertificate("cert").user, "cert");
  const Caller stranger = auth_->CallerOfCertificate("stranger");
  EXPECT_TRUE(errors::kPermissionDenied.Is(auth_->Authorize(stranger, Access())));
}

TEST_F(AuthTest, ATokenLivesFiveMinutesAfterItsLastUse) {
  Enable({});
  const std::string token = Login("alice", "a"), unused = Login("alice", "a");
  EXPECT_EQ(UserOf(token, 1000), "alice") << "applying knows no time: the first use starts it";
  EXPECT_EQ(UserOf(token, 1299), "alice");
  EXPECT_EQ(UserOf(token, 1598), "alice");
  EXPECT_EQ(UserOf(token, 1898), "etcdserver: invalid auth token");
  EXPECT_EQ(UserOf("made up"), "etcdserver: invalid auth token");
  EXPECT_EQ(UserOf(""), "") << "no token is nobody";
  auth_->tokens().Sweep(At(2000));
  EXPECT_EQ(auth_->tokens().size(), 1u);
  auth_->tokens().Sweep(At(2300));
  EXPECT_EQ(auth_->tokens().size(), 0u) << "also one that was never used";
  EXPECT_EQ(UserOf(unused, 2300), "etcdserver: invalid auth token");
}

TEST_F(AuthTest, WhatEndsALogin) {
  Enable({});
  std::string alice = Login("alice", "a");
  const std::string root = Login("root", "r");
  ASSERT_TRUE(Apply(R"(role_add { name: "new" })").ok());
  ASSERT_TRUE(Apply(R"(user_grant_role { user: "alice" role: "new" })").ok());
  EXPECT_EQ(UserOf(alice), "alice") << "unrelated changes do not";
  ASSERT_TRUE(Apply(R"(user_change_password { name: "alice" password: "b" })").ok());
  EXPECT_EQ(UserOf(alice), "etcdserver: invalid auth token");
  EXPECT_EQ(UserOf(root), "root");
  alice = Login("alice", "b");
  ASSERT_TRUE(Apply(R"(user_delete { name: "alice" })").ok());
  EXPECT_EQ(UserOf(alice), "etcdserver: invalid auth token");
  ASSERT_TRUE(Apply(R"(auth_disable { })").ok());
  EXPECT_EQ(UserOf(root), "") << "credentials are ignored while it is off";
  ASSERT_TRUE(Apply(R"(auth_enable { })").ok());
  EXPECT_EQ(UserOf(root), "etcdserver: invalid auth token");
}

// The password was verified, then changed, and only then was the login applied.
TEST_F(AuthTest, ALoginByAnOldPasswordDoesNotOvertakeItsChange) {
  Enable({});
  const Caller verified = *auth_->Login("alice", "a");
  ASSERT_TRUE(Apply(R"(user_change_password { name: "alice" password: "b" })").ok());
  Command command;
  command.mutable_header()->set_auth_revision(verified.auth_revision);
  command.mutable_issue_token()->set_user("alice");
  command.mutable_issue_token()->set_secret("s");
  EXPECT_TRUE(errors::kAuthOldRevision.Is(auth_->Apply(command, 1).status()));
}

TEST_F(AuthTest, PasswordsAreHashedBeforeTheyReachTheLog) {
  auto add = Parse<etcdserverpb::AuthUserAddRequest>(R"(name: "u" password: "in clear")");
  ASSERT_TRUE(auth_->HashPasswordIn(&add).ok());
  EXPECT_EQ(add.SerializeAsString().find("in clear"), std::string::npos);
  EXPECT_TRUE(IsPasswordHash(add.hashedpassword()));
  auto change = Parse<etcdserverpb::AuthUserChangePasswordRequest>(
      R"(name: "u" password: "in clear" hashedPassword: "whatever the client says")");
  ASSERT_TRUE(auth_->HashPasswordIn(&change).ok());
  EXPECT_EQ(change.SerializeAsString().find("in clear"), std::string::npos);
  EXPECT_TRUE(VerifyPassword("in clear", change.hashedpassword(), 4));
}

// --- Permissions ---------------------------------------------------------------------------------

TEST_F(AuthTest, WhatEachCallRequires) {
  Enable({{"r", "r", "s"}, {"w", "w", "x"}, {"rw", "b", ""}});
  using namespace etcdserverpb;
  auto range = [&](const char* text) { return May<RangeRequest>("alice", "KV/Range", text); };
  EXPECT_TRUE(range(R"(key: "r1")"));
  EXPECT_TRUE(range(R"(key: "r" range_end: "s")"));
  EXPECT_TRUE(range(R"(key: "r1" serializable: true)"));
  EXPECT_FALSE(range(R"(key: "w1")"));
  EXPECT_FALSE(range(R"(key: "r" range_end: "sa")"));
  EXPECT_FALSE(range(R"(key: "w1" serializable: true)"));
  auto put = [&](const char* text) { return May<PutRequest>("alice", "KV/Put", text); };
  EXPECT_TRUE(put(R"(key: "w1")"));
  EXPECT_FALSE(put(R"(key: "r1")"));
  EXPECT_FALSE(put(R"(key: "w1" prev_kv: true)")) << "a previous value is a read";
  EXPECT_TRUE(put(R"(key: "b" prev_kv: true)"));
  auto del = [&](const char* text) {
    return May<DeleteRangeRequest>("alice", "KV/DeleteRange", text);
  };
  EXPECT_TRUE(del(R"(key: "w" range_end: "x")"));
  EXPECT_FALSE(del(R"(key: "w" range_end: "x" prev_kv: true)"));
  EXPECT_FALSE(del(R"(key: "w" range_end: "\0")"));
  auto watch = [&](const char* text) { return May<WatchRequest>("alice", "Watch/Watch", text); };
  EXPECT_TRUE(watch(R"(create_request { key: "r" range_end: "s" })"));
  EXPECT_FALSE(watch(R"(create_request { key: "r" range_end: "\0" })"));
  EXPECT_FALSE(watch(R"(create_request { range_end: "\0" })"));
  EXPECT_TRUE(watch(R"(cancel_request { watch_id: 1 })"));

  EXPECT_TRUE(May<RangeRequest>("root", "KV/Range", R"(key: "\0" range_end: "\0")"));
  EXPECT_TRUE(May<AuthUserGetRequest>("alice", "Auth/UserGet", R"(name: "alice")"));
  EXPECT_FALSE(May<AuthUserGetRequest>("alice", "Auth/UserGet", R"(name: "root")"));
  EXPECT_TRUE(May<AuthRoleGetRequest>("alice", "Auth/RoleGet", R"(role: "al")"));
  EXPECT_FALSE(May<AuthRoleGetRequest>("alice", "Auth/RoleGet", R"(role: "root")"));
  EXPECT_FALSE(May<AuthRoleGetRequest>("alice", "Auth/RoleGet", ""));
}

// Closed to all but administrators is what has no rule; but that should be somebody's decision.
TEST(Access, EveryCallOfEveryServiceHasARule) {
  int calls = 0;
  for (const google::protobuf::FileDescriptor* file :
       {etcdserverpb::RangeRequest::descriptor()->file(),
        v3lockpb::LockRequest::descriptor()->file(),
        v3electionpb::LeaderRequest::descriptor()->file()}) {
    for (int s = 0; s < file->service_count(); ++s) {
      for (int m = 0; m < file->service(s)->method_count(); ++m, ++calls) {
        const google::protobuf::MethodDescriptor& method = *file->service(s)->method(m);
        EXPECT_TRUE(HasRule(absl::StrCat("/", method.service()->full_name(), "/", method.name())))
            << method.full_name();
      }
    }
  }
  EXPECT_GT(calls, 45);
  EXPECT_TRUE(HasRule("/grpc.health.v1.Health/Check"));
  EXPECT_FALSE(HasRule("/etcdserverpb.KV/Forgotten"));
  auto no_leases = [](int64_t) { return std::vector<std::string>(); };
  EXPECT_EQ(AccessOf("/etcdserverpb.KV/Forgotten", etcdserverpb::RangeRequest(), no_leases).who,
            Access::Who::kAdmin);
}

TEST_F(AuthTest, TransactionsNeedEverythingOnBothBranches) {
  Enable({{"rw", "a", ""}});
  auto may = [&](const char* text) {
    return May<etcdserverpb::TxnRequest>("alice", "KV/Txn", text);
  };
  EXPECT_TRUE(may(R"(compare { key: "a" } success { request_put { key: "a" prev_kv: true } }
                     failure { request_range { key: "a" } })"));
  EXPECT_FALSE(may(R"(compare { key: "x" })"));
  EXPECT_FALSE(may(R"(compare { key: "a" range_end: "b" })"));
  EXPECT_FALSE(may(R"(failure { request_range { key: "x" } })"));
  EXPECT_FALSE(may(R"(success { request_delete_range { key: "x" } })"));
}

TEST_F(AuthTest, NobodyAndOldRulesAreRefused) {
  Enable({{"rw", "a", "z"}});
  const auto request = Parse<etcdserverpb::RangeRequest>(R"(key: "b")");
  EXPECT_TRUE(errors::kUserEmpty.Is(Authorize("", "/etcdserverpb.KV/Range", request)));
  EXPECT_TRUE(errors::kPermissionDenied.Is(Authorize("ghost", "/etcdserverpb.KV/Range", request)));
  Caller old = As("alice");
  ASSERT_TRUE(Apply(R"(role_add { name: "new" })").ok());
  auto no_leases = [](int64_t) { return std::vector<std::string>(); };
  EXPECT_TRUE(errors::kAuthOldRevision.Is(
      auth_->Authorize(old, "/etcdserverpb.KV/Range", request, no_leases)));
  ASSERT_TRUE(Apply("auth_disable { }").ok());
  EXPECT_TRUE(Authorize("", "/etcdserverpb.KV/Range", request).ok());
}

TEST_F(AuthTest, AChangedRoleCountsAtOnce) {
  Enable({{"rw", "a", ""}});
  EXPECT_TRUE(May<etcdserverpb::PutRequest>("alice", "KV/Put", R"(key: "a")"));
  ASSERT_TRUE(Apply(R"(role_grant_permission { name: "al" perm { key: "a" } })").ok());
  EXPECT_FALSE(May<etcdserverpb::PutRequest>("alice", "KV/Put", R"(key: "a")"));
  EXPECT_TRUE(May<etcdserverpb::RangeRequest>("alice", "KV/Range", R"(key: "a")"));
  ASSERT_TRUE(Apply(R"(user_revoke_role { name: "alice" role: "al" })").ok());
  EXPECT_FALSE(May<etcdserverpb::RangeRequest>("alice", "KV/Range", R"(key: "a")"));
}

// --- The advisories of another server, one by one ------------------------------------------------

TEST_F(AuthTest, Cve2026_33343_TransactionsInsideTransactionsAreChecked) {
  Enable({{"rw", "a", ""}});
  for (const char* inner :
       {R"(success { request_range { key: "secret" } })",
        R"(failure { request_put { key: "secret" } })", R"(compare { key: "secret" })",
        R"(success { request_txn { failure { request_delete_range { key: "secret" } } } })"}) {
    EXPECT_FALSE(May<etcdserverpb::TxnRequest>(
        "alice", "KV/Txn", absl::StrCat("success { request_txn {", inner, "} }")))
        << inner;
  }
}

TEST_F(AuthTest, Cve2026_33413_EveryCallThatTellsOrChangesSomethingNeedsAUser) {
  Enable({});
  using namespace etcdserverpb;
  auto refused = [&](const char* method, const google::protobuf::Message& request) {
    const std::string path = absl::StrCat("/etcdserverpb.", method);
    EXPECT_TRUE(errors::kUserEmpty.Is(Authorize("", path, request))) << method;
  };
  refused("Maintenance/Alarm", AlarmRequest());
  refused("KV/Compact", CompactionRequest());
  refused("Lease/LeaseGrant", LeaseGrantRequest());
  refused("Lease/LeaseRevoke", LeaseRevokeRequest());
  refused("Lease/LeaseKeepAlive", LeaseKeepAliveRequest());
  refused("Lease/LeaseTimeToLive", LeaseTimeToLiveRequest());
  refused("Lease/LeaseLeases", LeaseLeasesRequest());
  // A user without any permission may not do what harms others, either.
  EXPECT_FALSE(May<AlarmRequest>("alice", "Maintenance/Alarm", "action: ACTIVATE"));
  EXPECT_FALSE(May<AlarmRequest>("alice", "Maintenance/Alarm", "action: DEACTIVATE"));
  EXPECT_FALSE(May<CompactionRequest>("alice", "KV/Compact", "revision: 1"));
  EXPECT_TRUE(May<AlarmRequest>("alice", "Maintenance/Alarm", "action: GET"));
  EXPECT_TRUE(May<LeaseGrantRequest>("alice", "Lease/LeaseGrant", ""));
}

TEST_F(AuthTest, Commit70a2b4871_PreviousValuesInTransactionsAreReads) {
  Enable({{"w", "w", ""}});
  EXPECT_TRUE(
      May<etcdserverpb::TxnRequest>("alice", "KV/Txn", R"(success { request_put { key: "w" } })"));
  EXPECT_FALSE(May<etcdserverpb::TxnRequest>(
      "alice", "KV/Txn", R"(success { request_put { key: "w" prev_kv: true } })"));
  EXPECT_FALSE(May<etcdserverpb::TxnRequest>(
      "alice", "KV/Txn", R"(failure { request_delete_range { key: "w" prev_kv: true } })"));
}

// Lease 7 holds lx and ly: to attach one more key to it, or to end it, deletes them.
TEST_F(AuthTest, Commit70a2b4871_ALeaseCannotBeUsedToDeleteTheKeysOfOthers) {
  Enable({{"w", "w", ""}, {"rw", "lx", ""}});
  using namespace etcdserverpb;
  EXPECT_FALSE(May<PutRequest>("alice", "KV/Put", R"(key: "w" lease: 7)"));
  EXPECT_FALSE(
      May<TxnRequest>("alice", "KV/Txn", R"(success { request_put { key: "w" lease: 7 } })"));
  EXPECT_FALSE(May<LeaseRevokeRequest>("alice", "Lease/LeaseRevoke", "ID: 7"));
  EXPECT_FALSE(May<LeaseTimeToLiveRequest>("alice", "Lease/LeaseTimeToLive", "ID: 7 keys: true"));
  EXPECT_TRUE(May<LeaseTimeToLiveRequest>("alice", "Lease/LeaseTimeToLive", "ID: 7"));
  EXPECT_TRUE(May<PutRequest>("alice", "KV/Put", R"(key: "w" lease: 8)")) << "holds nothing";
  ASSERT_TRUE(Apply(R"(role_grant_permission {
                       name: "al" perm { permType: READWRITE key: "ly" } })")
                  .ok());
  EXPECT_TRUE(May<PutRequest>("alice", "KV/Put", R"(key: "w" lease: 7)"));
  EXPECT_TRUE(May<LeaseRevokeRequest>("alice", "Lease/LeaseRevoke", "ID: 7"));
}

TEST_F(AuthTest, GhsaXg4h_PermissionForOneKeyIsNotOneForAllAfterIt) {
  Enable({{"r", "k", ""}});
  auto may = [&](const char* text) {
    return May<etcdserverpb::WatchCreateRequest>("alice", "Watch/Watch", text);
  };
  // As the server passes it: the whole request, which has not been rewritten by anyone.
  auto may_create = [&](const char* text) {
    return May<etcdserverpb::WatchRequest>("alice", "Watch/Watch",
                                           absl::StrCat("create_request {", text, "}"));
  };
  EXPECT_TRUE(may_create(R"(key: "k")"));
  EXPECT_FALSE(may_create(R"(key: "k" range_end: "\0")"));
  EXPECT_FALSE(may_create(R"(key: "k" range_end: "l")"));
  EXPECT_FALSE(may(R"(key: "k")")) << "not the request of this call";
}

TEST_F(AuthTest, Cve2021_28235_NoPasswordStaysInMemory) {
  auto add = Parse<etcdserverpb::AuthUserAddRequest>(
      R"(name: "u" password: "a password longer than a string holds by itself")");
  const char* memory = add.password().data();
  ASSERT_TRUE(auth_->HashPasswordIn(&add).ok());
  EXPECT_EQ(add.password(), "");
  EXPECT_EQ(std::string(memory + 1, 40), std::string(40, '\0'));
}

TEST_F(AuthTest, Issue14571_RulesThatChangeInBetweenAreRefusedEverywhereAlike) {
  Enable({{"rw", "a", ""}});
  Command command = Parse<Command>(R"(header { user: "alice" } put { key: "a" })");
  command.mutable_header()->set_auth_revision(auth_->revision());
  auto no_leases = [](int64_t) { return std::vector<std::string>(); };
  EXPECT_TRUE(auth_->Authorize(command, no_leases).ok());
  ASSERT_TRUE(Apply(R"(user_revoke_role { name: "alice" role: "al" })").ok());
  EXPECT_TRUE(errors::kAuthOldRevision.Is(auth_->Authorize(command, no_leases)));
  command.mutable_header()->set_auth_revision(auth_->revision());
  EXPECT_TRUE(errors::kPermissionDenied.Is(auth_->Authorize(command, no_leases)));
  command.mutable_header()->clear_auth_revision();
  EXPECT_TRUE(errors::kUserEmpty.Is(auth_->Authorize(command, no_leases)));
}

// --- The table -----------------------------------------------------------------------------------

// Calls that need no user, all there are. A new service cannot join them by being forgotten.
TEST_F(AuthTest, WhatIsNotExplicitlyOpenIsClosed) {
  Enable({});
  const std::set<std::string> open = {"/etcdserverpb.Cluster/MemberList",
                                      "/etcdserverpb.Maintenance/Status",
                                      "/etcdserverpb.Auth/Authenticate"};
  const auto* pool = google::protobuf::DescriptorPool::generated_pool();
  auto* factory = google::protobuf::MessageFactory::generated_factory();
  v3lockpb::LockRequest::descriptor();
  v3electionpb::LeaderRequest::descriptor();
  int methods = 0;
  for (const char* name : {"etcdserverpb.KV", "etcdserverpb.Watch", "etcdserverpb.Lease",
                           "etcdserverpb.Cluster", "etcdserverpb.Maintenance", "etcdserverpb.Auth",
                           "v3lockpb.Lock", "v3electionpb.Election"}) {
    const auto* service = pool->FindServiceByName(name);
    ASSERT_NE(service, nullptr) << name;
    for (int i = 0; i < service->method_count(); ++i, ++methods) {
      const auto* method = service->method(i);
      const std::string path = absl::StrCat("/", name, "/", method->name());
      const auto* prototype = factory->GetPrototype(method->input_type());
      const std::unique_ptr<google::protobuf::Message> request(prototype->New());
      EXPECT_EQ(Authorize("", path, *request).ok(), open.count(path) == 1) << path;
      EXPECT_TRUE(Authorize("root", path, *request).ok()) << path;
    }
  }
  EXPECT_GT(methods, 40);
  const etcdserverpb::RangeRequest any;
  EXPECT_FALSE(Authorize("alice", "/some.Service/Unknown", any).ok());
  EXPECT_FALSE(Authorize("alice", "", any).ok());
  EXPECT_FALSE(Authorize("alice", "/etcdserverpb.KV/Put", any).ok()) << "of another type";
}

TEST_F(AuthTest, LocksAndElectionsNeedTheKeysTheyLiveIn) {
  Enable({{"rw", "mine/", "mine0"}});
  auto may = [&](const char* method, const google::protobuf::Message& request) {
    return Authorize("alice", method, request).ok();
  };
  v3lockpb::LockRequest lock;
  lock.set_name("mine");
  EXPECT_TRUE(may("/v3lockpb.Lock/Lock", lock));
  lock.set_name("other");
  EXPECT_FALSE(may("/v3lockpb.Lock/Lock", lock));
  v3lockpb::UnlockRequest unlock;
  unlock.set_key("mine/123");
  EXPECT_TRUE(may("/v3lockpb.Lock/Unlock", unlock));
  unlock.set_key("other/123");
  EXPECT_FALSE(may("/v3lockpb.Lock/Unlock", unlock));
  v3electionpb::LeaderRequest leader;
  leader.set_name("mine");
  EXPECT_TRUE(may("/v3electionpb.Election/Observe", leader));
  leader.set_name("min");
  EXPECT_FALSE(may("/v3electionpb.Election/Observe", leader));
}

// The command in the log and the call that it came from must not be judged differently.
TEST_F(AuthTest, CallsAndCommandsAreJudgedAlike) {
  Enable({{"r", "r", ""}, {"w", "w", ""}});
  const struct {
    const char* method;
    const char* command;
  } cases[] = {
      {"KV/Put", R"(put { key: "w" })"},
      {"KV/Put", R"(put { key: "r" })"},
      {"KV/Put", R"(put { key: "w" lease: 7 })"},
      {"KV/DeleteRange", R"(delete_range { key: "w" })"},
      {"KV/DeleteRange", R"(delete_range { key: "w" prev_kv: true })"},
      {"KV/Txn", R"(txn { success { request_range { key: "r" } } })"},
      {"KV/Txn", R"(txn { success { request_txn { success { request_range { key: "w" } } } } })"},
      {"KV/Compact", R"(compaction { })"},
      {"Lease/LeaseGrant", R"(lease_grant { })"},
      {"Lease/LeaseRevoke", R"(lease_revoke { ID: 7 })"},
      {"Lease/LeaseRevoke", R"(lease_revoke { ID: 8 })"},
      {"Maintenance/Alarm", R"(alarm { })"},
      {"Maintenance/Alarm", R"(alarm { action: ACTIVATE })"},
      {"Auth/AuthDisable", R"(auth_disable { })"},
      {"Auth/UserAdd", R"(user_add { })"},
      {"Auth/RoleGrantPermission", R"(role_grant_permission { })"},
  };
  for (const char* user : {"", "alice", "root"}) {
    for (const auto& c : cases) {
      Command command = Parse<Command>(c.command);
      const Caller caller = As(user);
      command.mutable_header()->set_user(caller.user);
      command.mutable_header()->set_auth_revision(caller.auth_revision);
      const auto* field = Command::descriptor()->FindFieldByNumber(command.op_case());
      const auto& request = command.GetReflection()->GetMessage(command, field);
      EXPECT_EQ(Authorize(user, absl::StrCat("/etcdserverpb.", c.method), request),
                auth_->Authorize(command, [this](int64_t lease) { return KeysOf(lease); }))
          << user << ": " << c.command;
    }
  }
}

}  // namespace
}  // namespace raftexample
