#include "examples/raftexample/api/auth_service.h"

#include <functional>
#include <utility>
#include <variant>

#include "examples/raftexample/auth/password.h"

namespace raftexample {

using internal::Command;

namespace {

// Where in a command a request goes: Field{&Command::mutable_user_delete}.
template <typename Request>
using Field = Request* (Command::*)();

// A request that is its own command, and whose answer is a header.
template <typename Request, typename Response, typename Service, typename Accept>
void HandleAsCommand(rpc::Server& server, const ApiContext& api, Service* service, const char* name,
                     Accept accept, Field<Request> field) {
  server.Handle(
      rpc::UnaryMethod<Service, Request, Response>{
          name, service, accept,
          [api, field](rpc::UnaryCall<Request, Response>* call) {
            Command command;
            *(command.*field)() = call->request();
            ProposeAndReply(api, call, std::move(command));
          }},
      api.gate);
}

// The same with a password inside: hashed where it may take its time, and never logged.
template <typename Request, typename Response, typename Service, typename Accept>
void HandleWithPassword(rpc::Server& server, const ApiContext& api, Service* service,
                        const char* name, Accept accept, Field<Request> field) {
  server.Handle(
      rpc::UnaryMethod<Service, Request, Response>{
          name, service, accept,
          [api, field](rpc::UnaryCall<Request, Response>* call) {
            api.server->Post([api, field, call] {
              absl::Status hashed = api.server->state().auth().HashPasswordIn(&call->request());
              if (!hashed.ok()) return call->Finish(hashed);
              Command command;
              *(command.*field)() = call->request();
              ProposeAndReply(api, call, std::move(command));
            });
          }},
      api.gate);
}

// Read as of now: what was acknowledged is seen.
template <typename Request, typename Response, typename Service, typename Accept, typename Read>
void HandleAsRead(rpc::Server& server, const ApiContext& api, Service* service, const char* name,
                  Accept accept, Read read) {
  server.Handle(
      rpc::UnaryMethod<Service, Request, Response>{
          name, service, accept,
          [api, read](rpc::UnaryCall<Request, Response>* call) {
            api.server->LinearizableRead([api, read, call](const absl::Status& recent) {
              if (!recent.ok()) return call->Finish(recent);
              absl::Status found = read(call->request(), call->response());
              if (found.ok()) FillHeader(*api.server, call->response().mutable_header());
              call->Finish(found);
            });
          }},
      api.gate);
}

}  // namespace

using namespace etcdserverpb;  // NOLINT: the names below are all of it.
using Service = Auth::AsyncService;

void AuthService::AddTo(rpc::Server& server) {
  server.AddService(&service_);
  server.Handle(
      rpc::UnaryMethod<Service, AuthenticateRequest, AuthenticateResponse>{
          "/etcdserverpb.Auth/Authenticate", &service_, &Service::RequestAuthenticate,
          [this](AuthenticateCall* call) { Authenticate(call); }},
      api_.gate);
  AddCommands(server);
  AddReads(server);
}

void AuthService::AddCommands(rpc::Server& server) {
  HandleAsCommand<AuthEnableRequest, AuthEnableResponse>(
      server, api_, &service_, "/etcdserverpb.Auth/AuthEnable", &Service::RequestAuthEnable,
      &Command::mutable_auth_enable);
  HandleAsCommand<AuthDisableRequest, AuthDisableResponse>(
      server, api_, &service_, "/etcdserverpb.Auth/AuthDisable", &Service::RequestAuthDisable,
      &Command::mutable_auth_disable);
  HandleAsCommand<AuthUserDeleteRequest, AuthUserDeleteResponse>(
      server, api_, &service_, "/etcdserverpb.Auth/UserDelete", &Service::RequestUserDelete,
      &Command::mutable_user_delete);
  HandleAsCommand<AuthUserGrantRoleRequest, AuthUserGrantRoleResponse>(
      server, api_, &service_, "/etcdserverpb.Auth/UserGrantRole", &Service::RequestUserGrantRole,
      &Command::mutable_user_grant_role);
  HandleAsCommand<AuthUserRevokeRoleRequest, AuthUserRevokeRoleResponse>(
      server, api_, &service_, "/etcdserverpb.Auth/UserRevokeRole", &Service::RequestUserRevokeRole,
      &Command::mutable_user_revoke_role);
  HandleAsCommand<AuthRoleAddRequest, AuthRoleAddResponse>(
      server, api_, &service_, "/etcdserverpb.Auth/RoleAdd", &Service::RequestRoleAdd,
      &Command::mutable_role_add);
  HandleAsCommand<AuthRoleDeleteRequest, AuthRoleDeleteResponse>(
      server, api_, &service_, "/etcdserverpb.Auth/RoleDelete", &Service::RequestRoleDelete,
      &Command::mutable_role_delete);
  HandleAsCommand<AuthRoleGrantPermissionRequest, AuthRoleGrantPermissionResponse>(
      server, api_, &service_, "/etcdserverpb.Auth/RoleGrantPermission",
      &Service::RequestRoleGrantPermission, &Command::mutable_role_grant_permission);
  HandleAsCommand<AuthRoleRevokePermissionRequest, AuthRoleRevokePermissionResponse>(
      server, api_, &service_, "/etcdserverpb.Auth/RoleRevokePermission",
      &Service::RequestRoleRevokePermission, &Command::mutable_role_revoke_permission);

  HandleWithPassword<AuthUserAddRequest, AuthUserAddResponse>(
      server, api_, &service_, "/etcdserverpb.Auth/UserAdd", &Service::RequestUserAdd,
      &Command::mutable_user_add);
  HandleWithPassword<AuthUserChangePasswordRequest, AuthUserChangePasswordResponse>(
      server, api_, &service_, "/etcdserverpb.Auth/UserChangePassword",
      &Service::RequestUserChangePassword, &Command::mutable_user_change_password);
}

void AuthService::AddReads(rpc::Server& server) {
  const AuthStore* auth = &api_.server->state().auth();
  HandleAsRead<AuthStatusRequest, AuthStatusResponse>(
      server, api_, &service_, "/etcdserverpb.Auth/AuthStatus", &Service::RequestAuthStatus,
      [auth](const AuthStatusRequest&, AuthStatusResponse& response) {
        response.set_enabled(auth->enabled());
        response.set_authrevision(auth->revision());
        return absl::OkStatus();
      });
  HandleAsRead<AuthUserGetRequest, AuthUserGetResponse>(
      server, api_, &service_, "/etcdserverpb.Auth/UserGet", &Service::RequestUserGet,
      [auth](const AuthUserGetRequest& request, AuthUserGetResponse& response) {
        absl::StatusOr<AuthUserGetResponse> user = auth->GetUser(request.name());
        if (user.ok()) response = *std::move(user);
        return user.status();
      });
  HandleAsRead<AuthUserListRequest, AuthUserListResponse>(
      server, api_, &service_, "/etcdserverpb.Auth/UserList", &Service::RequestUserList,
      [auth](const AuthUserListRequest&, AuthUserListResponse& response) {
        response = auth->ListUsers();
        return absl::OkStatus();
      });
  HandleAsRead<AuthRoleGetRequest, AuthRoleGetResponse>(
      server, api_, &service_, "/etcdserverpb.Auth/RoleGet", &Service::RequestRoleGet,
      [auth](const AuthRoleGetRequest& request, AuthRoleGetResponse& response) {
        absl::StatusOr<AuthRoleGetResponse> role = auth->GetRole(request.role());
        if (role.ok()) response = *std::move(role);
        return role.status();
      });
  HandleAsRead<AuthRoleListRequest, AuthRoleListResponse>(
      server, api_, &service_, "/etcdserverpb.Auth/RoleList", &Service::RequestRoleList,
      [auth](const AuthRoleListRequest&, AuthRoleListResponse& response) {
        response = auth->ListRoles();
        return absl::OkStatus();
      });
}

// The password is verified here, and what goes into the log is that it was: every member then knows
// the token, and none the password.
void AuthService::Authenticate(AuthenticateCall* call) {
  api_.server->Post([this, call] {
    absl::StatusOr<Caller> caller =
        api_.server->state().auth().Login(call->request().name(), call->request().password());
    Wipe(call->request().mutable_password());
    if (!caller.ok()) return call->Finish(caller.status());
    Command command;
    command.mutable_issue_token()->set_user(caller->user);
    command.mutable_issue_token()->set_secret(NewSecret());
    rpc::CallInfo info = call->info();
    info.user = caller->user;
    info.auth_revision = caller->auth_revision;
    ProposeAndReply(
        api_, call, std::move(command),
        [this](ApplyResult& result, etcdserverpb::AuthenticateResponse& response) {
          response = std::move(std::get<etcdserverpb::AuthenticateResponse>(result.response));
          FillHeader(*api_.server, result.revision, response.mutable_header());
        },
        std::move(info), /*attempts=*/1);
  });
}

}  // namespace raftexample
