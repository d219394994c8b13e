// Users, roles, and who may do what.
//
// A request is checked twice against the same table (access.h): by the member that it came to, and
// by every member when its command is applied, since the rules may have changed in between. The
// first check stamps the command with the revision of the rules; a stamp that is older than the
// rules is refused, and the member checks and proposes again.
//
// Threads: one thread is the writer (Apply, Reload). Everything else any thread, any time.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_AUTH_AUTH_STORE_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_AUTH_AUTH_STORE_H_

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "examples/raftexample/auth/access.h"
#include "examples/raftexample/auth/permission_set.h"
#include "examples/raftexample/auth/token_table.h"
#include "examples/raftexample/backend/backend.h"
#include "examples/raftexample/proto/auth.pb.h"
#include "examples/raftexample/proto/internal.pb.h"
#include "examples/raftexample/proto/rpc.pb.h"
#include "google/protobuf/message.h"

namespace raftexample {

// On whose behalf something is asked, and as of which rules. Nobody: revision 0.
struct Caller {
  std::string user;
  uint64_t auth_revision = 0;
};

class AuthStore {
 public:
  using Time = TokenTable::Time;

  struct Options {
    std::chrono::seconds token_idle{300};
    int bcrypt_cost = 10;
  };

  // The backend must outlive the store.
  static absl::StatusOr<std::unique_ptr<AuthStore>> Open(Backend* backend, Options options);
  // The backend has installed a snapshot. Everybody has to log in again.
  absl::Status Reload();

  bool enabled() const;
  // Of the rules: grows with every change of users, roles and permissions; never 0.
  uint64_t revision() const;

  // --- Who asks ----------------------------------------------------------------------------------

  // kAuthNotEnabled; kAuthFailed for an unknown user, a wrong password, or a user without one. Slow
  // (bcrypt) on purpose. The caller that an IssueToken command should be stamped with.
  absl::StatusOr<Caller> Login(absl::string_view user, absl::string_view password) const;
  // The caller whose token it is: kInvalidAuthToken. An empty token is nobody, which is no error
  // here. Nobody as well while authentication is off.
  absl::StatusOr<Caller> CallerOf(absl::string_view token, Time now);
  // The caller of a verified client certificate, who need not be a user. Nobody while
  // authentication is off.
  Caller CallerOfCertificate(absl::string_view common_name) const;
  TokenTable& tokens() { return tokens_; }

  // --- What they may -----------------------------------------------------------------------------

  // OK, also while authentication is off; kUserEmpty for nobody, kPermissionDenied,
  // kAuthOldRevision when the caller was found under older rules (then find the caller again).
  absl::Status Authorize(const Caller& caller, const Access& access) const;
  absl::Status Authorize(const Caller& caller, absl::string_view method,
                         const google::protobuf::Message& request, LeaseKeys lease_keys) const {
    return Authorize(caller, AccessOf(method, request, lease_keys));
  }
  // When a command is applied.
  absl::Status Authorize(const internal::Command& command, LeaseKeys lease_keys) const;

  // --- The log -----------------------------------------------------------------------------------

  // Puts a hash in the place of a password. Before proposing; kUserEmpty, and InvalidArgument for a
  // password that cannot be hashed. Slow (bcrypt).
  absl::Status HashPasswordIn(etcdserverpb::AuthUserAddRequest* request) const;
  absl::Status HashPasswordIn(etcdserverpb::AuthUserChangePasswordRequest* request) const;

  // Whether the command is one of users, roles or logins: those that Apply() takes.
  static bool Handles(const internal::Command& command);
  // Carries it out, or says why not and changes nothing. `index` of the entry becomes part of an
  // issued token, which is returned.
  absl::StatusOr<std::string> Apply(const internal::Command& command, uint64_t index);

  // --- Reading -----------------------------------------------------------------------------------

  absl::StatusOr<etcdserverpb::AuthUserGetResponse> GetUser(absl::string_view name) const;
  etcdserverpb::AuthUserListResponse ListUsers() const;
  absl::StatusOr<etcdserverpb::AuthRoleGetResponse> GetRole(absl::string_view name) const;
  etcdserverpb::AuthRoleListResponse ListRoles() const;

 private:
  AuthStore(Backend* backend, Options options)
      : backend_(backend), options_(options), tokens_(options.token_idle) {}

  // One for each command; each checks first, then changes.
  absl::Status Enable() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Disable() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Add(const etcdserverpb::AuthUserAddRequest&) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Delete(const etcdserverpb::AuthUserDeleteRequest&)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Change(const etcdserverpb::AuthUserChangePasswordRequest&)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Grant(const etcdserverpb::AuthUserGrantRoleRequest&)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Revoke(const etcdserverpb::AuthUserRevokeRoleRequest&)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Add(const etcdserverpb::AuthRoleAddRequest&) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Delete(const etcdserverpb::AuthRoleDeleteRequest&)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Grant(const etcdserverpb::AuthRoleGrantPermissionRequest&)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Revoke(const etcdserverpb::AuthRoleRevokePermissionRequest&)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  absl::Status Dispatch(const internal::Command& command) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Store(const authpb::User& user) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Store(const authpb::Role& role) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void StoreSettings() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The rules are others now: what was derived from them, and callers found under them, are out.
  void RulesChanged() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool IsAdmin(const authpb::User& user) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  std::shared_ptr<const PermissionSet> PermissionsOf(const authpb::User& user) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);

  Backend* const backend_;
  const Options options_;
  TokenTable tokens_;

  mutable absl::Mutex mutex_;
  bool enabled_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t revision_ ABSL_GUARDED_BY(mutex_) = 1;
  std::map<std::string, authpb::User, std::less<>> users_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, authpb::Role, std::less<>> roles_ ABSL_GUARDED_BY(mutex_);

  // Made when first asked for, dropped when the rules change.
  mutable absl::Mutex cache_mutex_ ABSL_ACQUIRED_AFTER(mutex_);
  mutable std::map<std::string, std::shared_ptr<const PermissionSet>, std::less<>> permissions_
      ABSL_GUARDED_BY(cache_mutex_);
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_AUTH_AUTH_STORE_H_
