#include "examples/raftexample/apply/state_machine.h"

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "examples/raftexample/proto/errors.h"
#include "examples/raftexample/testing/model_store.h"
#include "examples/raftexample/testing/temp_directory.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace raftexample {
namespace {

using internal::Command;

std::string Text(const google::protobuf::Message& message) { return message.ShortDebugString(); }

Command Parse(const std::string& text) {
  Command command;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &command)) << text;
  return command;
}

// A member without a Raft: commands go straight to its state machine.
class Member {
 public:
  explicit Member(std::string directory, int64_t quota = 0)
      : directory_(std::move(directory)), quota_(quota) {
    Open();
  }

  void Open() {
    machine_ = nullptr;
    auto machine = StateMachine::Open({
        .backend = {.directory = directory_, .max_bytes = 256 << 20, .sync = false},
        .auth = {.bcrypt_cost = 4},
        .quota_bytes = quota_,
    });
    ASSERT_TRUE(machine.ok()) << machine.status();
    machine_ = *std::move(machine);
  }

  StateMachine& operator*() { return *machine_; }
  StateMachine* operator->() { return machine_.get(); }

  ApplyResult Apply(const Command& command, Answer answer = Answer::kWanted) {
    return machine_->Apply({1, machine_->applied().index + 1}, command, answer);
  }
  ApplyResult Apply(const std::string& text) { return Apply(Parse(text)); }
  ApplyResult Put(const std::string& key, const std::string& value) {
    Command command;
    command.mutable_put()->set_key(key);
    command.mutable_put()->set_value(value);
    return Apply(command);
  }
  // "(none)" if it does not live.
  std::string Get(const std::string& key) {
    auto kv = machine_->store().Get(key, machine_->store().revision());
    return kv.ok() ? kv->value() : "(none)";
  }

 private:
  const std::string directory_;
  const int64_t quota_;
  std::unique_ptr<StateMachine> machine_;
};

TEST(StateMachine, AnswersAPut) {
  TempDirectory dir;
  Member member(dir / "m");
  const ApplyResult first = member.Apply(R"(header { id: 7 } put { key: "k" value: "1" })");
  EXPECT_TRUE(first.status.ok());
  EXPECT_EQ(first.request_id, 7u);
  EXPECT_EQ(first.revision, 2);
  EXPECT_EQ(Text(std::get<etcdserverpb::PutResponse>(first.response)), "header { revision: 2 }");
  const ApplyResult second = member.Apply(R"(put { key: "k" value: "2" prev_kv: true })");
  EXPECT_EQ(std::get<etcdserverpb::PutResponse>(second.response).prev_kv().value(), "1");
  EXPECT_EQ(member->applied(), (raftpb::EntryId{1, 2}));
}

TEST(StateMachine, SaysWhyACommandDidNothing) {
  TempDirectory dir;
  Member member(dir / "m");
  const absl::Status not_a_lease =
      absl::InvalidArgumentError("etcdserver: a lease without an ID or a TTL");
  const struct {
    const char* command;
    absl::Status expected;
  } cases[] = {
      {R"(put { })", errors::kEmptyKey},
      {R"(put { key: "k" lease: 9 })", errors::kLeaseNotFound},
      {R"(put { key: "k" ignore_value: true })", errors::kKeyNotFound},
      {R"(put { key: "k" ignore_lease: true lease: 9 })", errors::kLeaseProvided},
      {R"(delete_range { })", errors::kEmptyKey},
      {R"(txn { success { request_put { key: "k" } } success { request_put { key: "k" } } })",
       errors::kDuplicateKey},
      {R"(txn { success { request_range { key: "k" revision: 5 } } })", errors::kFutureRevision},
      {R"(compaction { revision: 5 })", errors::kFutureRevision},
      {R"(compaction { revision: 0 })", errors::kCompacted},
      {R"(lease_grant { ID: 1 })", not_a_lease},
      {R"(lease_grant { TTL: 1 })", not_a_lease},
      {R"(lease_grant { ID: 1 TTL: 9000000001 })", errors::kLeaseTtlTooLarge},
      {R"(lease_revoke { ID: 1 })", errors::kLeaseNotFound},
      {R"(auth_enable { })", errors::kRootUserMissing},
      {R"(role_add { })", errors::kRoleEmpty},
  };
  for (const auto& c : cases) {
    const uint64_t index = member->applied().index;
    const ApplyResult result = member.Apply(c.command);
    EXPECT_EQ(result.status, c.expected) << c.command;
    EXPECT_EQ(result.revision, 1) << c.command;
    EXPECT_EQ(member->applied().index, index + 1) << "it counts as applied all the same";
  }
}

TEST(StateMachine, BytesThatAreNoCommandDoNothingAndCount) {
  TempDirectory dir;
  Member member(dir / "m");
  EXPECT_TRUE(member->Apply({1, 1}, absl::Cord()).status.ok()) << "a leader's first entry";
  EXPECT_FALSE(member->Apply({1, 2}, absl::Cord("\xff\xff garbage")).status.ok());
  EXPECT_FALSE(member->Apply({1, 3}, Command()).status.ok());
  const std::string bytes = Parse(R"(put { key: "k" value: "v" })").SerializeAsString();
  absl::Cord cord;  // In pieces, as it may come from the network.
  for (size_t i = 0; i < bytes.size(); ++i) {
    cord.Append(absl::MakeCordFromExternal(absl::string_view(&bytes[i], 1), [] {}));
  }
  EXPECT_TRUE(member->Apply({1, 4}, cord).status.ok());
  EXPECT_EQ(member.Get("k"), "v");
  EXPECT_EQ(member->applied().index, 4u);
}

TEST(StateMachine, AnEntryIsAppliedOnce) {
  TempDirectory dir;
  Member member(dir / "m");
  member.Put("k", "1");
  member.Put("k", "2");
  const ApplyResult again = member->Apply({1, 1}, Parse(R"(put { key: "k" value: "1" })"));
  EXPECT_TRUE(again.skipped);
  EXPECT_EQ(member.Get("k"), "2");
  EXPECT_EQ(member->store().revision(), 3);
}

TEST(StateMachine, AnEndedLeaseTakesItsKeysAlongInOneRevision) {
  TempDirectory dir;
  Member member(dir / "m");
  const ApplyResult grant = member.Apply(R"(lease_grant { ID: 5 TTL: 60 })");
  EXPECT_EQ(Text(std::get<etcdserverpb::LeaseGrantResponse>(grant.response)), "ID: 5 TTL: 60");
  for (const char* key : {"c", "a", "b"}) {
    member.Apply(absl::StrCat("put { lease: 5 key: \"", key, "\" }"));
  }
  member.Put("b", "without a lease now");
  auto stream = member->watches().OpenStream([] {});
  etcdserverpb::WatchCreateRequest all;
  all.set_range_end(std::string(1, '\0'));
  stream->Create(all);
  EXPECT_TRUE(stream->Next()->head.created());
  EXPECT_EQ(member.Apply(R"(lease_revoke { ID: 5 })").revision, 6);
  const etcdserverpb::WatchResponse response = stream->Next()->ToProto();
  ASSERT_EQ(response.events_size(), 2);
  EXPECT_EQ(Text(response.events(0)), R"(type: DELETE kv { key: "a" mod_revision: 6 })");
  EXPECT_EQ(Text(response.events(1)), R"(type: DELETE kv { key: "c" mod_revision: 6 })");
  EXPECT_EQ(member.Apply(R"(lease_grant { ID: 6 TTL: 60 })").revision, 6);
  EXPECT_EQ(member.Apply(R"(lease_revoke { ID: 6 })").revision, 6) << "there was nothing to delete";
}

TEST(StateMachine, WithoutSpaceOnlyWhatNeedsNoneIsDone) {
  TempDirectory dir;
  Member member(dir / "m");
  member.Put("k", "1");
  const ApplyResult alarm =
      member.Apply(R"(alarm { action: ACTIVATE memberID: 3 alarm: NOSPACE })");
  EXPECT_EQ(Text(std::get<etcdserverpb::AlarmResponse>(alarm.response)),
            "alarms { memberID: 3 alarm: NOSPACE }");
  ASSERT_TRUE(member->backend().Commit().ok());
  member.Open();  // It survives a restart.
  const struct {
    const char* command;
    bool refused;
  } cases[] = {
      {R"(put { key: "a" })", true},
      {R"(txn { failure { request_txn { success { request_put { key: "a" } } } } })", true},
      {R"(lease_grant { ID: 1 TTL: 5 })", true},
      {R"(delete_range { key: "x" })", false},
      {R"(txn { success { request_delete_range { key: "x" } } })", false},
      {R"(compaction { revision: 2 })", false},
      {R"(alarm { action: DEACTIVATE memberID: 3 alarm: NOSPACE })", false},
      {R"(put { key: "a" })", false},
  };
  for (const auto& c : cases) {
    const absl::Status status = member.Apply(c.command).status;
    EXPECT_EQ(errors::kNoSpace.Is(status), c.refused) << c.command << ": " << status;
    EXPECT_EQ(status.ok(), !c.refused) << c.command << ": " << status;
  }
}

TEST(StateMachine, ACorruptClusterTouchesNoKey) {
  TempDirectory dir;
  Member member(dir / "m");
  member.Apply(R"(alarm { action: ACTIVATE memberID: 3 alarm: CORRUPT })");
  for (const char* command : {R"(put { key: "a" })", R"(delete_range { key: "a" })", R"(txn { })",
                              R"(compaction { revision: 1 })", R"(lease_grant { ID: 1 TTL: 5 })",
                              R"(lease_revoke { ID: 1 })"}) {
    EXPECT_TRUE(errors::kCorrupt.Is(member.Apply(command).status)) << command;
  }
  member.Apply(R"(alarm { action: DEACTIVATE memberID: 3 alarm: CORRUPT })");
  EXPECT_TRUE(member.Put("a", "1").status.ok());
}

TEST(StateMachine, AnExceededQuotaIsReportedAndDecidesNothing) {
  TempDirectory dir;
  Member small(dir / "small", /*quota=*/1 << 20), large(dir / "large");
  bool reported = false;
  for (int i = 0; i < 200 && !reported; ++i) {
    const std::string key = absl::StrCat("k", i);
    const ApplyResult result = small.Put(key, std::string(10000, 'x'));
    EXPECT_TRUE(result.status.ok()) << "the log decides, not the size of a member's file";
    EXPECT_FALSE(large.Put(key, std::string(10000, 'x')).over_quota);
    reported = result.over_quota;
  }
  EXPECT_TRUE(reported);
  EXPECT_FALSE(small->quota().Allows(Quota::Cost(Parse(R"(put { key: "k" })"))));
  EXPECT_FALSE(small.Apply(R"(delete_range { key: "k1" })").over_quota);
  large.Apply(R"(delete_range { key: "k1" })");
  EXPECT_EQ(*small->StateHash(), *large->StateHash());
}

TEST(Quota, ChargesTheDearerBranchOfTheWholeTree) {
  const std::string put = R"(request_put { key: "k" value: "12345" })";
  const size_t one = Quota::Cost(Parse(absl::StrCat("put { key: 'k' value: '12345' }")));
  EXPECT_EQ(Quota::Cost(Parse(absl::StrCat("txn { success {", put, "} }"))), one);
  EXPECT_EQ(Quota::Cost(Parse(absl::StrCat("txn { success {", put, "} failure {", put,
                                           "} failure {", put, "} }"))),
            2 * one);
  EXPECT_EQ(Quota::Cost(Parse(absl::StrCat("txn { success { request_txn { failure { ", put,
                                           "} } } success {", put, "} }"))),
            2 * one);
  EXPECT_EQ(Quota::Cost(Parse(R"(delete_range { key: "k" })")), 0u);
}

// --- Users ---------------------------------------------------------------------------------------

// Root, and bob who may read and write what begins with b.
void AddUsers(Member& member) {
  for (
      const char* command :
      {R"(user_add { name: "root" hashedPassword: "x" })", R"(role_add { name: "root" })",
       R"(user_grant_role { user: "root" role: "root" })",
       R"(user_add { name: "bob" hashedPassword: "x" })", R"(role_add { name: "b" })",
       R"(user_grant_role { user: "bob" role: "b" })",
       R"(role_grant_permission { name: "b" perm { permType: READWRITE key: "b" range_end: "c" } })",
       R"(auth_enable { })"}) {
    ASSERT_TRUE(member.Apply(command).status.ok()) << command;
  }
}

ApplyResult ApplyAs(Member& member, const std::string& user, const std::string& text,
                    int64_t revision_lag = 0) {
  Command command = Parse(text);
  command.mutable_header()->set_user(user);
  command.mutable_header()->set_auth_revision(member->auth().revision() - revision_lag);
  return member.Apply(command);
}

TEST(StateMachine, PermissionsAreCheckedAgainWhenACommandIsApplied) {
  TempDirectory dir;
  Member member(dir / "m");
  AddUsers(member);
  EXPECT_TRUE(errors::kUserEmpty.Is(member.Apply(R"(put { key: "b1" })").status));
  EXPECT_TRUE(ApplyAs(member, "bob", R"(put { key: "b1" })").status.ok());
  EXPECT_TRUE(errors::kPermissionDenied.Is(ApplyAs(member, "bob", R"(put { key: "a" })").status));
  EXPECT_TRUE(
      errors::kPermissionDenied.Is(ApplyAs(member, "bob", R"(compaction { revision: 1 })").status));
  EXPECT_TRUE(ApplyAs(member, "root", R"(put { key: "a" })").status.ok());
  EXPECT_TRUE(errors::kAuthOldRevision.Is(
      ApplyAs(member, "bob", R"(put { key: "b1" })", /*revision_lag=*/1).status));
  ASSERT_TRUE(
      ApplyAs(member, "root", R"(role_revoke_permission { role: "b" key: "b" range_end: "c" })")
          .status.ok());
  EXPECT_TRUE(errors::kPermissionDenied.Is(ApplyAs(member, "bob", R"(put { key: "b1" })").status));
  EXPECT_TRUE(member.Apply(R"(header { by_member: true } lease_checkpoint { })").status.ok());
}

TEST(StateMachine, ATokenIsTheSameOnEveryMember) {
  TempDirectory dir;
  Member members[2] = {Member(dir / "a"), Member(dir / "b")};
  for (Member& member : members) {
    AddUsers(member);
    const ApplyResult login =
        ApplyAs(member, "", R"(issue_token { user: "bob" secret: "s3cret" })");
    ASSERT_TRUE(login.status.ok()) << login.status;
    const std::string token = std::get<etcdserverpb::AuthenticateResponse>(login.response).token();
    EXPECT_EQ(token, "s3cret.9");
    EXPECT_EQ(TokenTable::IndexOf(token), 9u);
    EXPECT_EQ(member->auth().CallerOf(token, AuthStore::Time())->user, "bob");
  }
  EXPECT_TRUE(errors::kAuthOldRevision.Is(
      ApplyAs(members[0], "", R"(issue_token { user: "bob" secret: "t" })", 1).status));
}

// --- Members -------------------------------------------------------------------------------------

TEST(StateMachine, TheAddressBookFollowsTheLogAndSurvivesARestart) {
  TempDirectory dir;
  Member member(dir / "m");
  auto change = [&](internal::MemberChange::Kind kind, uint64_t id, const std::string& url,
                    bool learner = false) {
    internal::MemberChange c;
    c.set_kind(kind);
    c.mutable_member()->set_id(id);
    if (!url.empty()) c.mutable_member()->add_peerurls(url);
    c.mutable_member()->set_islearner(learner);
    const absl::Status checked = member->CheckMemberChange(c);
    const raftpb::ConfState after{.voters = {id}};
    const raftpb::EntryId next{1, member->applied().index + 1};
    EXPECT_EQ(member->ApplyMemberChange(next, c, checked, after).status, checked);
    return checked;
  };
  using internal::MemberChange;
  EXPECT_TRUE(change(MemberChange::ADD, 1, "http://a").ok());
  EXPECT_TRUE(change(MemberChange::ADD, 2, "http://b", /*learner=*/true).ok());
  EXPECT_TRUE(errors::kMemberExists.Is(change(MemberChange::ADD, 1, "http://c")));
  EXPECT_TRUE(errors::kPeerUrlExists.Is(change(MemberChange::ADD, 3, "http://a")));
  EXPECT_TRUE(errors::kTooManyLearners.Is(change(MemberChange::ADD, 3, "http://c", true)));
  EXPECT_TRUE(errors::kMemberBadUrls.Is(change(MemberChange::ADD, 3, "")));
  EXPECT_TRUE(errors::kNotLearner.Is(change(MemberChange::PROMOTE, 1, "")));
  EXPECT_TRUE(errors::kMemberNotFound.Is(change(MemberChange::PROMOTE, 9, "")));
  EXPECT_TRUE(errors::kPeerUrlExists.Is(change(MemberChange::UPDATE, 1, "http://b")));
  EXPECT_TRUE(change(MemberChange::UPDATE, 2, "http://b2").ok());
  EXPECT_TRUE(member->membership().Find(2)->islearner()) << "an update changes addresses only";
  EXPECT_TRUE(change(MemberChange::PROMOTE, 2, "").ok());
  EXPECT_TRUE(change(MemberChange::ADD, 3, "http://c").ok());
  EXPECT_TRUE(change(MemberChange::REMOVE, 3, "").ok());
  EXPECT_TRUE(errors::kMemberExists.Is(change(MemberChange::ADD, 3, "http://c"))) << "never again";
  EXPECT_TRUE(errors::kMemberNotFound.Is(change(MemberChange::REMOVE, 3, "")));
  member.Apply(R"(member_attributes { member_id: 1 name: "one" client_urls: "http://x" })");
  member.Apply(R"(member_attributes { member_id: 3 name: "gone" })");
  member.Apply(R"(cluster_version { version: "3.4.0" })");

  ASSERT_TRUE(member->backend().Commit().ok());
  member.Open();
  const std::vector<etcdserverpb::Member> members = member->membership().Members();
  ASSERT_EQ(members.size(), 2u);
  EXPECT_EQ(Text(members[0]), R"(ID: 1 name: "one" peerURLs: "http://a" clientURLs: "http://x")");
  EXPECT_EQ(Text(members[1]), R"(ID: 2 peerURLs: "http://b2")");
  EXPECT_TRUE(member->membership().IsRemoved(3));
  EXPECT_EQ(member->membership().cluster_version(), "3.4.0");
  EXPECT_EQ(member->conf_state(), (raftpb::ConfState{.voters = {3}}));
}

TEST(StateMachine, OnlyAnAdministratorOrAMemberItselfChangesTheMembership) {
  TempDirectory dir;
  Member member(dir / "m");
  AddUsers(member);
  auto check = [&](const std::string& user, bool by_member) {
    internal::MemberChange change;
    change.mutable_member()->set_id(1);
    change.mutable_member()->add_peerurls("http://a");
    change.mutable_header()->set_user(user);
    change.mutable_header()->set_auth_revision(member->auth().revision());
    change.mutable_header()->set_by_member(by_member);
    return member->CheckMemberChange(change);
  };
  EXPECT_TRUE(errors::kUserEmpty.Is(check("", false)));
  EXPECT_TRUE(errors::kPermissionDenied.Is(check("bob", false)));
  EXPECT_TRUE(check("root", false).ok());
  EXPECT_TRUE(check("", true).ok());
}

// --- Members against each other ------------------------------------------------------------------

// Any command there is, sensible or not.
class RandomCommands {
 public:
  explicit RandomCommands(int seed) : random_(seed) {}

  int Below(int n) { return static_cast<int>(random_() % n); }

  Command Next(int64_t revision) {
    Command command;
    command.mutable_header()->set_by_member(true);
    switch (Below(16)) {
      case 0: *command.mutable_delete_range() = Delete(); break;
      case 1:
      case 2:
      case 3: *command.mutable_txn() = Txn(revision, 1); break;
      case 4:
        if (Below(10) > 0) break;
        command.mutable_compaction()->set_revision(Below(static_cast<int>(revision) + 2));
        break;
      case 5:
        command.mutable_lease_grant()->set_id(1 + Below(5));
        command.mutable_lease_grant()->set_ttl(Below(100));
        break;
      case 6: command.mutable_lease_revoke()->set_id(1 + Below(5)); break;
      case 7: {
        auto* checkpoint = command.mutable_lease_checkpoint()->add_checkpoints();
        checkpoint->set_id(1 + Below(5));
        checkpoint->set_remaining_ttl(Below(100));
        break;
      }
      case 8:
        command.mutable_alarm()->set_memberid(Below(3));
        command.mutable_alarm()->set_alarm(static_cast<etcdserverpb::AlarmType>(Below(3)));
        // Mostly off, or nothing else would happen.
        command.mutable_alarm()->set_action(Below(10) == 0
                                                ? etcdserverpb::AlarmRequest::ACTIVATE
                                                : etcdserverpb::AlarmRequest::DEACTIVATE);
        break;
      case 9: Users(command); break;
      default: *command.mutable_put() = Put();
    }
    return command;
  }

 private:
  std::string Key() { return std::string(1, static_cast<char>('a' + Below(10))); }
  std::string End() { return Below(2) == 0 ? "" : Below(4) == 0 ? std::string(1, '\0') : Key(); }
  etcdserverpb::PutRequest Put() {
    etcdserverpb::PutRequest put;
    put.set_key(Key());
    if (Below(6) == 0) {
      put.set_ignore_value(true);
    } else {
      put.set_value(absl::StrCat(Below(1000)));
    }
    put.set_lease(Below(3) == 0 ? 1 + Below(5) : 0);
    put.set_prev_kv(Below(2) == 0);
    return put;
  }
  etcdserverpb::DeleteRangeRequest Delete() {
    etcdserverpb::DeleteRangeRequest request;
    request.set_key(Key());
    request.set_range_end(End());
    request.set_prev_kv(Below(2) == 0);
    return request;
  }
  etcdserverpb::TxnRequest Txn(int64_t revision, int depth) {
    etcdserverpb::TxnRequest txn;
    if (Below(2) == 0) {
      auto* compare = txn.add_compare();
      compare->set_key(Key());
      compare->set_range_end(End());
      compare->set_target(etcdserverpb::Compare::VERSION);
      compare->set_result(etcdserverpb::Compare::GREATER);
    }
    for (auto* branch : {txn.mutable_success(), txn.mutable_failure()}) {
      for (int n = Below(4); n > 0; --n) {
        etcdserverpb::RequestOp& op = *branch->Add();
        switch (Below(depth < 3 ? 5 : 4)) {
          case 0: *op.mutable_request_put() = Put(); break;
          case 1: *op.mutable_request_delete_range() = Delete(); break;
          case 4: *op.mutable_request_txn() = Txn(revision, depth + 1); break;
          default:
            op.mutable_request_range()->set_key(Key());
            op.mutable_request_range()->set_range_end(End());
            // Compacted, present or not there yet: each is refused or answered by all members.
            if (Below(3) == 0) {
              op.mutable_request_range()->set_revision(Below(static_cast<int>(revision) + 3));
            }
        }
      }
    }
    return txn;
  }
  void Users(Command& command) {
    const std::string name = absl::StrCat("n", Below(3));
    switch (Below(7)) {
      case 0: command.mutable_user_add()->set_name(name); break;
      case 1: command.mutable_role_add()->set_name(name); break;
      case 2:
        command.mutable_user_grant_role()->set_user(name);
        command.mutable_user_grant_role()->set_role(absl::StrCat("n", Below(3)));
        break;
      case 3: command.mutable_role_delete()->set_role(name); break;
      case 4: command.mutable_user_delete()->set_name(name); break;
      case 5:
        command.mutable_role_grant_permission()->set_name(name);
        command.mutable_role_grant_permission()->mutable_perm()->set_key(Key());
        break;
      default: command.mutable_user_change_password()->set_name(name);
    }
  }

  std::mt19937 random_;
};

// One member answers, one follows; one flushes late, compacts its file eagerly, is killed and
// replays what it had not stored. They must not differ in anything, ever.
TEST(StateMachine, MembersThatAppliedTheSameAreTheSame) {
  for (int seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE(seed);
    RandomCommands commands(seed);
    TempDirectory dir;
    Member leader(dir / "leader"), follower(dir / "follower");
    std::vector<Command> log;
    int64_t changed = 0, restarts = 0;
    for (int step = 0; step < 1500; ++step) {
      log.push_back(commands.Next(leader->store().revision()));
      const ApplyResult a = leader.Apply(log.back());
      const ApplyResult b = follower.Apply(log.back(), Answer::kNobodyWaits);
      ASSERT_EQ(a.status, b.status) << Text(log.back());
      ASSERT_EQ(a.revision, b.revision) << Text(log.back());
      changed += a.status.ok();
      if (commands.Below(20) == 0) {
        ASSERT_TRUE(leader->backend().Commit().ok());
      }
      if (commands.Below(10) == 0) follower->backend().Seal();
      if (commands.Below(10) == 0) {
        ASSERT_TRUE(follower->backend().Flush().ok());
      }
      if (commands.Below(5) == 0) {
        ASSERT_TRUE(follower->store().CompactSome().ok());
      }
      if (commands.Below(100) == 0) {
        follower.Open();
        ++restarts;
        // The log begins a little before what was stored.
        uint64_t index = follower->applied().index;
        index -= std::min<uint64_t>(index, commands.Below(5));
        for (; index < log.size(); ++index) {
          const bool stored = index < follower->applied().index;
          EXPECT_EQ(follower->Apply({1, index + 1}, log[index], Answer::kNobodyWaits).skipped,
                    stored);
        }
      }
      if (commands.Below(50) == 0) {
        ASSERT_EQ(*leader->StateHash(), *follower->StateHash());
      }
    }
    EXPECT_EQ(*leader->StateHash(), *follower->StateHash());
    EXPECT_GT(changed, 500);
    EXPECT_GT(restarts, 2);
  }
}

TEST(StateMachine, ASnapshotMakesAMemberLikeTheSender) {
  RandomCommands commands(99);
  TempDirectory dir;
  Member sender(dir / "sender"), receiver(dir / "receiver");
  std::vector<Command> log;
  auto run = [&](int steps) {
    for (int step = 0; step < steps; ++step) {
      log.push_back(commands.Next(sender->store().revision()));
      sender.Apply(log.back());
    }
  };
  receiver.Put("only", "here");
  run(500);
  ASSERT_TRUE(sender->backend().Commit().ok());
  const auto snapshot = *sender->Snapshot();
  EXPECT_EQ(snapshot->applied().index, 500u);
  run(300);

  auto received = *receiver->backend().Receive();
  for (size_t at = 0; at < snapshot->size(); at = received->received()) {
    ASSERT_TRUE(received->Append(*snapshot->Read(at, 10000)).ok());
  }
  ASSERT_TRUE(received->Finish(snapshot->digest()).ok());
  ASSERT_TRUE(receiver->Install(std::move(received)).ok());
  EXPECT_EQ(receiver->applied().index, 500u);
  EXPECT_EQ(receiver.Get("only"), "(none)");
  for (size_t i = 500; i < log.size(); ++i) receiver.Apply(log[i]);
  EXPECT_EQ(*receiver->StateHash(), *sender->StateHash());
}

TEST(StateMachine, TheHashSeesEveryPartOfTheState) {
  TempDirectory dir;
  int n = 0;
  auto hash_after = [&](const std::vector<std::string>& commands) {
    Member member(dir / absl::StrCat(n++));
    for (const std::string& command : commands) {
      EXPECT_TRUE(member.Apply(command).status.ok()) << command;
    }
    return *member->StateHash();
  };
  const std::string nothing = R"(lease_checkpoint { })";
  const uint64_t same = hash_after({nothing});
  EXPECT_EQ(hash_after({nothing}), same);
  for (const char* command :
       {R"(put { key: "k" })", R"(lease_grant { ID: 1 TTL: 5 })", R"(user_add { name: "u" })",
        R"(role_add { name: "r" })", R"(compaction { revision: 1 })",
        R"(alarm { action: ACTIVATE alarm: NOSPACE })", R"(cluster_version { version: "1" })"}) {
    EXPECT_NE(hash_after({command}), same) << command;
  }
}

}  // namespace
}  // namespace raftexample
