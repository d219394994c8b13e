// Members that talk over TLS, each with a certificate, and who is not let in among them.
#include <grpcpp/grpcpp.h>

#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "examples/raftexample/server/url.h"
#include "examples/raftexample/testing/temp_directory.h"
#include "examples/raftexample/testing/test_certificates.h"
#include "examples/raftexample/testing/test_cluster.h"
#include "examples/raftexample/transport/peer.grpc.pb.h"
#include "gtest/gtest.h"

namespace raftexample {
namespace {

class PeerTls : public testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& content) const {
    std::ofstream(directory_ / name) << content;
    return directory_ / name;
  }

  // Of every member: what it shows, and whom it trusts.
  std::vector<std::string> Flags() const {
    const TestCertificate own = authority_.Issue("member");
    return {"--peer-cert-file=" + Write("member.crt", own.certificate),
            "--peer-key-file=" + Write("member.key", own.key),
            "--peer-trusted-ca-file=" + Write("ca.crt", authority_.certificate()),
            "--peer-client-cert-auth"};
  }

  std::shared_ptr<grpc::ChannelCredentials> Credentials(const TestAuthority& trusted,
                                                        const TestCertificate& shown) const {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = trusted.certificate();
    options.pem_cert_chain = shown.certificate;
    options.pem_private_key = shown.key;
    return grpc::SslCredentials(options);
  }

  // What one who wants to join asks first, of the first member: "refused" is no connection.
  std::string AskForMembers(std::shared_ptr<grpc::ChannelCredentials> credentials) const {
    const std::string address = ParseUrl(cluster_.peer_url(0))->HostPort();
    const auto stub = peer::Peer::NewStub(grpc::CreateChannel(address, std::move(credentials)));
    grpc::ClientContext context;
    peer::MembersResponse response;
    const grpc::Status status = stub->Members(&context, peer::MembersRequest(), &response);
    if (status.error_code() == grpc::UNAVAILABLE) return "refused";
    return status.ok() ? absl::StrCat(response.members_size(), " members") : status.error_message();
  }

  grpc::Status Put(int member, const std::string& key) {
    grpc::ClientContext context;
    etcdserverpb::PutRequest request;
    etcdserverpb::PutResponse response;
    request.set_key(key);
    return cluster_.keys(member).Put(&context, request, &response);
  }

  // Linearizable: by what the member knows after the others have been asked.
  int64_t Count(int member, const std::string& key) {
    grpc::ClientContext context;
    etcdserverpb::RangeRequest request;
    etcdserverpb::RangeResponse response;
    request.set_key(key);
    const grpc::Status status = cluster_.keys(member).Range(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.count();
  }

  const TempDirectory directory_;
  const TestAuthority authority_, another_;
  TestCluster cluster_{3, Flags(), "https"};
};

TEST_F(PeerTls, MembersWithCertificatesReplicate) {
  for (int writer = 0; writer < 3; ++writer) {
    const std::string key = absl::StrCat("k", writer);
    const grpc::Status put = Put(writer, key);
    ASSERT_TRUE(put.ok()) << put.error_message();
    for (int reader = 0; reader < 3; ++reader) EXPECT_EQ(Count(reader, key), 1);
  }
}

TEST_F(PeerTls, NobodyElseIsLetIn) {
  const TestCertificate none;
  EXPECT_EQ(AskForMembers(Credentials(authority_, authority_.Issue("new"))), "3 members");
  EXPECT_EQ(AskForMembers(Credentials(authority_, another_.Issue("new"))), "refused");
  EXPECT_EQ(AskForMembers(Credentials(authority_, none)), "refused") << "no certificate";
  EXPECT_EQ(AskForMembers(Credentials(another_, authority_.Issue("new"))), "refused")
      << "does not trust the members";
  EXPECT_EQ(AskForMembers(grpc::InsecureChannelCredentials()), "refused") << "not in clear";
}

}  // namespace
}  // namespace raftexample
