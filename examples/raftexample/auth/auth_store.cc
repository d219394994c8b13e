#include "examples/raftexample/auth/auth_store.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "examples/raftexample/auth/password.h"
#include "examples/raftexample/proto/errors.h"

namespace raftexample {
namespace {

using internal::Command;

constexpr absl::string_view kRoot = "root";  // The user, and the role that may do everything.
constexpr absl::string_view kEnabledKey = "enabled";
constexpr absl::string_view kRevisionKey = "revision";

template <typename Message>
absl::Status Load(const Backend& backend, Bucket bucket,
                  std::map<std::string, Message, std::less<>>* out) {
  out->clear();
  absl::Status bad;
  absl::Status scanned =
      backend.ScanCommitted(bucket, [&](absl::string_view name, absl::string_view value) {
        Message& message = (*out)[std::string(name)];
        if (message.ParseFromArray(value.data(), static_cast<int>(value.size()))) return true;
        bad = absl::DataLossError(
            absl::StrCat("the store cannot read ", name, " of the ", BucketName(bucket)));
        return false;
      });
  return scanned.ok() ? bad : scanned;
}

bool HasRole(const authpb::User& user, absl::string_view role) {
  return std::find(user.roles().begin(), user.roles().end(), role) != user.roles().end();
}

// False if it was not there.
bool RemoveRole(authpb::User& user, absl::string_view role) {
  auto found = std::find(user.roles().begin(), user.roles().end(), role);
  if (found == user.roles().end()) return false;
  user.mutable_roles()->erase(found);
  return true;
}

auto FindPermission(authpb::Role& role, absl::string_view key, absl::string_view range_end) {
  return std::find_if(
      role.mutable_keypermission()->begin(), role.mutable_keypermission()->end(),
      [&](const authpb::Permission& p) { return p.key() == key && p.range_end() == range_end; });
}

}  // namespace

// --- Opening -------------------------------------------------------------------------------------

absl::StatusOr<std::unique_ptr<AuthStore>> AuthStore::Open(Backend* backend, Options options) {
  std::unique_ptr<AuthStore> store(new AuthStore(backend, options));
  if (absl::Status s = store->Reload(); !s.ok()) return s;
  return store;
}

absl::Status AuthStore::Reload() {
  absl::MutexLock lock(&mutex_);
  tokens_.Clear();
  if (absl::Status s = Load(*backend_, Bucket::kUsers, &users_); !s.ok()) return s;
  if (absl::Status s = Load(*backend_, Bucket::kRoles, &roles_); !s.ok()) return s;
  enabled_ = false;
  revision_ = 1;
  absl::Status s =
      backend_->ScanCommitted(Bucket::kAuth, [&](absl::string_view key, absl::string_view value) {
        if (key == kEnabledKey) enabled_ = value == "1";
        return key != kRevisionKey || absl::SimpleAtoi(value, &revision_);
      });
  absl::MutexLock cache_lock(&cache_mutex_);
  permissions_.clear();
  return s;
}

void AuthStore::Store(const authpb::User& user) {
  backend_->Put(Bucket::kUsers, user.name(), user.SerializeAsString());
}

void AuthStore::Store(const authpb::Role& role) {
  backend_->Put(Bucket::kRoles, role.name(), role.SerializeAsString());
}

void AuthStore::StoreSettings() {
  backend_->Put(Bucket::kAuth, kEnabledKey, enabled_ ? "1" : "0");
  backend_->Put(Bucket::kAuth, kRevisionKey, absl::StrCat(revision_));
}

void AuthStore::RulesChanged() {
  ++revision_;
  StoreSettings();
  absl::MutexLock lock(&cache_mutex_);
  permissions_.clear();
}

bool AuthStore::enabled() const {
  absl::ReaderMutexLock lock(&mutex_);
  return enabled_;
}

uint64_t AuthStore::revision() const {
  absl::ReaderMutexLock lock(&mutex_);
  return revision_;
}

// --- Who asks ------------------------------------------------------------------------------------

absl::StatusOr<Caller> AuthStore::Login(absl::string_view user, absl::string_view password) const {
  std::string hash;
  uint64_t revision;
  {
    absl::ReaderMutexLock lock(&mutex_);
    if (!enabled_) return errors::kAuthNotEnabled.status();
    revision = revision_;
    auto found = users_.find(user);
    if (found != users_.end() && found->second.options().no_password()) {
      return errors::kNoPasswordUser.status();
    }
    if (found != users_.end()) hash = found->second.password();
  }
  // As slow for a user who does not exist as for one who does.
  if (!VerifyPassword(password, hash, options_.bcrypt_cost)) return errors::kAuthFailed.status();
  return Caller{std::string(user), revision};
}

absl::StatusOr<Caller> AuthStore::CallerOf(absl::string_view token, Time now) {
  uint64_t revision;
  {
    absl::ReaderMutexLock lock(&mutex_);
    if (!enabled_) return Caller{};
    revision = revision_;
  }
  if (token.empty()) return Caller{};
  absl::optional<std::string> user = tokens_.UserOf(token, now);
  if (!user) return errors::kInvalidAuthToken.status();
  return Caller{*std::move(user), revision};
}

Caller AuthStore::CallerOfCertificate(absl::string_view common_name) const {
  absl::ReaderMutexLock lock(&mutex_);
  if (!enabled_) return Caller{};
  return Caller{std::string(common_name), revision_};
}

// --- What they may -------------------------------------------------------------------------------

bool AuthStore::IsAdmin(const authpb::User& user) const { return HasRole(user, kRoot); }

std::shared_ptr<const PermissionSet> AuthStore::PermissionsOf(const authpb::User& user) const {
  absl::MutexLock lock(&cache_mutex_);
  std::shared_ptr<const PermissionSet>& cached = permissions_[user.name()];
  if (cached != nullptr) return cached;
  auto permissions = std::make_shared<PermissionSet>();
  for (const std::string& name : user.roles()) {
    auto role = roles_.find(name);
    if (role == roles_.end()) continue;
    for (const authpb::Permission& p : role->second.keypermission()) permissions->Add(p);
  }
  cached = std::move(permissions);
  return cached;
}

absl::Status AuthStore::Authorize(const Caller& caller, const Access& access) const {
  absl::ReaderMutexLock lock(&mutex_);
  if (!enabled_ || access.who == Access::Who::kAnyone) return absl::OkStatus();
  if (caller.user.empty() || caller.auth_revision == 0) return errors::kUserEmpty;
  if (caller.auth_revision < revision_) return errors::kAuthOldRevision;
  auto user = users_.find(caller.user);
  if (user == users_.end()) return errors::kPermissionDenied;
  if (IsAdmin(user->second)) return absl::OkStatus();
  if (access.who == Access::Who::kAdmin) {
    const bool about_oneself = (!access.own_user.empty() && access.own_user == caller.user) ||
                               (!access.own_role.empty() && HasRole(user->second, access.own_role));
    return about_oneself ? absl::OkStatus() : errors::kPermissionDenied;
  }
  const std::shared_ptr<const PermissionSet> permissions = PermissionsOf(user->second);
  for (const Access::Keys& keys : access.keys) {
    const bool allowed =
        keys.write ? permissions->MayWrite(keys.range) : permissions->MayRead(keys.range);
    if (!allowed) return errors::kPermissionDenied;
  }
  return absl::OkStatus();
}

absl::Status AuthStore::Authorize(const Command& command, LeaseKeys lease_keys) const {
  if (!enabled()) return absl::OkStatus();
  return Authorize({command.header().user(), command.header().auth_revision()},
                   AccessOf(command, lease_keys));
}

// --- The log -------------------------------------------------------------------------------------

absl::Status AuthStore::HashPasswordIn(etcdserverpb::AuthUserAddRequest* request) const {
  if (request->name().empty()) return errors::kUserEmpty;
  if (request->options().no_password()) {
    request->clear_hashedpassword();
  } else if (!request->password().empty() || !IsPasswordHash(request->hashedpassword())) {
    absl::StatusOr<std::string> hash = HashPassword(request->password(), options_.bcrypt_cost);
    if (!hash.ok()) return hash.status();
    request->set_hashedpassword(*hash);
  }
  Wipe(request->mutable_password());
  return absl::OkStatus();
}

absl::Status AuthStore::HashPasswordIn(etcdserverpb::AuthUserChangePasswordRequest* request) const {
  if (!request->password().empty() || !IsPasswordHash(request->hashedpassword())) {
    absl::StatusOr<std::string> hash = HashPassword(request->password(), options_.bcrypt_cost);
    if (!hash.ok()) return hash.status();
    request->set_hashedpassword(*hash);
  }
  Wipe(request->mutable_password());
  return absl::OkStatus();
}

bool AuthStore::Handles(const Command& command) {
  switch (command.op_case()) {
    case Command::kAuthEnable:
    case Command::kAuthDisable:
    case Command::kIssueToken:
    case Command::kUserAdd:
    case Command::kUserDelete:
    case Command::kUserChangePassword:
    case Command::kUserGrantRole:
    case Command::kUserRevokeRole:
    case Command::kRoleAdd:
    case Command::kRoleDelete:
    case Command::kRoleGrantPermission:
    case Command::kRoleRevokePermission: return true;
    default: return false;
  }
}

absl::StatusOr<std::string> AuthStore::Apply(const Command& command, uint64_t index) {
  absl::MutexLock lock(&mutex_);
  if (command.op_case() != Command::kIssueToken) {
    if (absl::Status s = Dispatch(command); !s.ok()) return s;
    return std::string();
  }
  // The password was right under these rules; under later ones it may not be any more.
  const std::string& user = command.issue_token().user();
  if (!enabled_) return errors::kAuthNotEnabled.status();
  if (command.header().auth_revision() < revision_) return errors::kAuthOldRevision.status();
  if (users_.find(user) == users_.end()) return errors::kAuthFailed.status();
  std::string token = TokenTable::TokenOf(command.issue_token().secret(), index);
  tokens_.Add(token, user);
  return token;
}

absl::Status AuthStore::Dispatch(const Command& command) {
  switch (command.op_case()) {
    case Command::kAuthEnable: return Enable();
    case Command::kAuthDisable: return Disable();
    case Command::kUserAdd: return Add(command.user_add());
    case Command::kUserDelete: return Delete(command.user_delete());
    case Command::kUserChangePassword: return Change(command.user_change_password());
    case Command::kUserGrantRole: return Grant(command.user_grant_role());
    case Command::kUserRevokeRole: return Revoke(command.user_revoke_role());
    case Command::kRoleAdd: return Add(command.role_add());
    case Command::kRoleDelete: return Delete(command.role_delete());
    case Command::kRoleGrantPermission: return Grant(command.role_grant_permission());
    case Command::kRoleRevokePermission: return Revoke(command.role_revoke_permission());
    default: return absl::InvalidArgumentError("not a command of users and roles");
  }
}

absl::Status AuthStore::Enable() {
  if (enabled_) return absl::OkStatus();
  auto root = users_.find(kRoot);
  if (root == users_.end()) return errors::kRootUserMissing;
  if (!IsAdmin(root->second)) return errors::kRootRoleMissing;
  enabled_ = true;
  tokens_.Clear();
  StoreSettings();
  return absl::OkStatus();
}

absl::Status AuthStore::Disable() {
  if (!enabled_) return absl::OkStatus();
  enabled_ = false;
  tokens_.Clear();
  RulesChanged();
  return absl::OkStatus();
}

absl::Status AuthStore::Add(const etcdserverpb::AuthUserAddRequest& request) {
  if (request.name().empty()) return errors::kUserEmpty;
  if (users_.count(request.name()) > 0) return errors::kUserExists;
  authpb::User& user = users_[request.name()];
  user.set_name(request.name());
  if (request.has_options()) *user.mutable_options() = request.options();
  if (!request.options().no_password()) user.set_password(request.hashedpassword());
  Store(user);
  RulesChanged();
  return absl::OkStatus();
}

absl::Status AuthStore::Delete(const etcdserverpb::AuthUserDeleteRequest& request) {
  if (enabled_ && request.name() == kRoot) return errors::kInvalidAuthManagement;
  if (users_.erase(request.name()) == 0) return errors::kUserNotFound;
  backend_->Delete(Bucket::kUsers, request.name());
  tokens_.RemoveUser(request.name());
  RulesChanged();
  return absl::OkStatus();
}

absl::Status AuthStore::Change(const etcdserverpb::AuthUserChangePasswordRequest& request) {
  auto user = users_.find(request.name());
  if (user == users_.end()) return errors::kUserNotFound;
  if (!user->second.options().no_password()) {
    user->second.set_password(request.hashedpassword());
    Store(user->second);
  }
  tokens_.RemoveUser(request.name());
  RulesChanged();
  return absl::OkStatus();
}

absl::Status AuthStore::Grant(const etcdserverpb::AuthUserGrantRoleRequest& request) {
  auto user = users_.find(request.user());
  if (user == users_.end()) return errors::kUserNotFound;
  if (request.role() != kRoot && roles_.count(request.role()) == 0) return errors::kRoleNotFound;
  if (HasRole(user->second, request.role())) return absl::OkStatus();
  user->second.add_roles(request.role());
  std::sort(user->second.mutable_roles()->begin(), user->second.mutable_roles()->end());
  Store(user->second);
  RulesChanged();
  return absl::OkStatus();
}

absl::Status AuthStore::Revoke(const etcdserverpb::AuthUserRevokeRoleRequest& request) {
  if (enabled_ && request.name() == kRoot && request.role() == kRoot) {
    return errors::kInvalidAuthManagement;
  }
  auto user = users_.find(request.name());
  if (user == users_.end()) return errors::kUserNotFound;
  if (!RemoveRole(user->second, request.role())) return errors::kRoleNotGranted;
  Store(user->second);
  RulesChanged();
  return absl::OkStatus();
}

absl::Status AuthStore::Add(const etcdserverpb::AuthRoleAddRequest& request) {
  if (request.name().empty()) return errors::kRoleEmpty;
  if (roles_.count(request.name()) > 0) return errors::kRoleExists;
  authpb::Role& role = roles_[request.name()];
  role.set_name(request.name());
  Store(role);
  RulesChanged();
  return absl::OkStatus();
}

absl::Status AuthStore::Delete(const etcdserverpb::AuthRoleDeleteRequest& request) {
  if (enabled_ && request.role() == kRoot) return errors::kInvalidAuthManagement;
  if (roles_.erase(request.role()) == 0) return errors::kRoleNotFound;
  backend_->Delete(Bucket::kRoles, request.role());
  for (auto& [name, user] : users_) {
    if (RemoveRole(user, request.role())) Store(user);
  }
  RulesChanged();
  return absl::OkStatus();
}

absl::Status AuthStore::Grant(const etcdserverpb::AuthRoleGrantPermissionRequest& request) {
  auto role = roles_.find(request.name());
  if (role == roles_.end()) return errors::kRoleNotFound;
  if (!request.has_perm()) return errors::kPermissionNotGiven;
  const authpb::Permission& perm = request.perm();  // Of an empty range: it permits nothing.
  auto& all = *role->second.mutable_keypermission();
  if (auto same = FindPermission(role->second, perm.key(), perm.range_end()); same != all.end()) {
    same->set_permtype(perm.permtype());
  } else {
    *all.Add() = perm;
    std::stable_sort(
        all.begin(), all.end(),
        [](const authpb::Permission& a, const authpb::Permission& b) { return a.key() < b.key(); });
  }
  Store(role->second);
  RulesChanged();
  return absl::OkStatus();
}

absl::Status AuthStore::Revoke(const etcdserverpb::AuthRoleRevokePermissionRequest& request) {
  auto role = roles_.find(request.role());
  if (role == roles_.end()) return errors::kRoleNotFound;
  auto found = FindPermission(role->second, request.key(), request.range_end());
  if (found == role->second.keypermission().end()) return errors::kPermissionNotGranted;
  role->second.mutable_keypermission()->erase(found);
  Store(role->second);
  RulesChanged();
  return absl::OkStatus();
}

// --- Reading -------------------------------------------------------------------------------------

absl::StatusOr<etcdserverpb::AuthUserGetResponse> AuthStore::GetUser(absl::string_view name) const {
  absl::ReaderMutexLock lock(&mutex_);
  auto user = users_.find(name);
  if (user == users_.end()) return errors::kUserNotFound.status();
  etcdserverpb::AuthUserGetResponse response;
  *response.mutable_roles() = user->second.roles();
  return response;
}

etcdserverpb::AuthUserListResponse AuthStore::ListUsers() const {
  absl::ReaderMutexLock lock(&mutex_);
  etcdserverpb::AuthUserListResponse response;
  for (const auto& [name, user] : users_) response.add_users(name);
  return response;
}

absl::StatusOr<etcdserverpb::AuthRoleGetResponse> AuthStore::GetRole(absl::string_view name) const {
  absl::ReaderMutexLock lock(&mutex_);
  auto role = roles_.find(name);
  if (role == roles_.end()) return errors::kRoleNotFound.status();
  etcdserverpb::AuthRoleGetResponse response;
  *response.mutable_perm() = role->second.keypermission();
  return response;
}

etcdserverpb::AuthRoleListResponse AuthStore::ListRoles() const {
  absl::ReaderMutexLock lock(&mutex_);
  etcdserverpb::AuthRoleListResponse response;
  for (const auto& [name, role] : roles_) response.add_roles(name);
  return response;
}

}  // namespace raftexample
