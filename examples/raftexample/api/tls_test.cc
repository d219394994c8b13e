// Who is let in over TLS, and as whom.
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <string>

#include "examples/raftexample/proto/rpc.grpc.pb.h"
#include "examples/raftexample/testing/temp_directory.h"
#include "examples/raftexample/testing/test_certificates.h"
#include "examples/raftexample/testing/test_member.h"

namespace raftexample {
namespace {

class Tls : public testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& content) {
    std::ofstream(directory_ / name) << content;
    return directory_ / name;
  }

  void Start(bool require_client_certificates) {
    const TestCertificate own = authority_.Issue("server");
    std::vector<std::string> flags = {
        "--cert-file=" + Write("server.crt", own.certificate),
        "--key-file=" + Write("server.key", own.key),
    };
    if (require_client_certificates) {
      flags.push_back("--trusted-ca-file=" + Write("ca.crt", authority_.certificate()));
      flags.push_back("--client-cert-auth");
    }
    member_ = std::make_unique<TestMember>(std::move(flags), "https");
  }

  // As a client that trusts an authority and shows a certificate; no certificate if it is empty.
  std::shared_ptr<grpc::Channel> Connect(const TestAuthority& trusted,
                                         const TestCertificate& shown) {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = trusted.certificate();
    options.pem_cert_chain = shown.certificate;
    options.pem_private_key = shown.key;
    return member_->Connect(grpc::SslCredentials(options));
  }

  // "ok", the error of the server, or "refused" when there is no connection.
  static std::string Put(const std::shared_ptr<grpc::Channel>& channel, const std::string& key) {
    grpc::ClientContext context;
    etcdserverpb::PutRequest request;
    etcdserverpb::PutResponse response;
    request.set_key(key);
    const grpc::Status status =
        etcdserverpb::KV::NewStub(channel)->Put(&context, request, &response);
    if (status.ok()) return "ok";
    return status.error_code() == grpc::UNAVAILABLE ? "refused" : status.error_message();
  }

  template <typename Request, typename Method>
  void Administer(etcdserverpb::Auth::Stub& auth, Method method, const Request& request) {
    grpc::ClientContext context;
    typename MethodTraits<Method>::Response response;
    ASSERT_TRUE((auth.*method)(&context, request, &response).ok()) << request.DebugString();
  }

  const TempDirectory directory_;
  const TestAuthority authority_, another_;
  const TestCertificate none_;
  std::unique_ptr<TestMember> member_;

 private:
  template <typename Method>
  struct MethodTraits;
  template <typename Request, typename Response_>
  struct MethodTraits<grpc::Status (etcdserverpb::Auth::Stub::*)(grpc::ClientContext*,
                                                                 const Request&, Response_*)> {
    using Response = Response_;
  };
};

TEST_F(Tls, TheServerShowsACertificate) {
  Start(/*require_client_certificates=*/false);
  EXPECT_EQ(Put(Connect(authority_, none_), "k"), "ok");
  EXPECT_EQ(Put(Connect(another_, none_), "k"), "refused");
  EXPECT_EQ(Put(member_->Connect(), "k"), "refused") << "not in clear";
}

TEST_F(Tls, ClientsMustShowOneOfTheTrustedAuthority) {
  Start(/*require_client_certificates=*/true);
  EXPECT_EQ(Put(Connect(authority_, authority_.Issue("anyone")), "k"), "ok");
  EXPECT_EQ(Put(Connect(authority_, none_), "k"), "refused");
  EXPECT_EQ(Put(Connect(authority_, another_.Issue("anyone")), "k"), "refused");
}

TEST_F(Tls, TheNameInTheCertificateIsTheUser) {
  Start(/*require_client_certificates=*/true);
  const auto root = Connect(authority_, authority_.Issue("root"));
  const auto alice = Connect(authority_, authority_.Issue("alice"));
  const auto stranger = Connect(authority_, authority_.Issue("stranger"));

  using Stub = etcdserverpb::Auth::Stub;
  const std::unique_ptr<Stub> auth = etcdserverpb::Auth::NewStub(root);
  for (const char* name : {"root", "alice"}) {
    etcdserverpb::AuthUserAddRequest user;
    user.set_name(name);
    user.mutable_options()->set_no_password(true);
    Administer(*auth, &Stub::UserAdd, user);
  }
  etcdserverpb::AuthRoleAddRequest role;
  role.set_name("r");
  Administer(*auth, &Stub::RoleAdd, role);
  etcdserverpb::AuthRoleGrantPermissionRequest permission;
  permission.set_name("r");
  permission.mutable_perm()->set_permtype(authpb::Permission::WRITE);
  permission.mutable_perm()->set_key("hers");
  Administer(*auth, &Stub::RoleGrantPermission, permission);
  for (const auto& [name, granted] : {std::pair("root", "root"), std::pair("alice", "r")}) {
    etcdserverpb::AuthUserGrantRoleRequest grant;
    grant.set_user(name);
    grant.set_role(granted);
    Administer(*auth, &Stub::UserGrantRole, grant);
  }
  Administer(*auth, &Stub::AuthEnable, etcdserverpb::AuthEnableRequest());

  EXPECT_EQ(Put(root, "k"), "ok");
  EXPECT_EQ(Put(alice, "hers"), "ok");
  EXPECT_EQ(Put(alice, "k"), "etcdserver: permission denied");
  EXPECT_EQ(Put(stranger, "hers"), "etcdserver: permission denied");
}

}  // namespace
}  // namespace raftexample
