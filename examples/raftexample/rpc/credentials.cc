#include "examples/raftexample/rpc/credentials.h"

#include <fstream>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"

namespace raftexample::rpc {
namespace {

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  if (path.empty()) return std::string();
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  if (!file) return absl::NotFoundError(absl::StrCat("cannot read ", path));
  return content.str();
}

// The files of one side, read.
struct Pem {
  std::string certificate, key, trusted_ca;
};
absl::StatusOr<Pem> Read(const TlsFiles& files) {
  absl::StatusOr<std::string> certificate = ReadFile(files.certificate);
  if (!certificate.ok()) return certificate.status();
  absl::StatusOr<std::string> key = ReadFile(files.key);
  if (!key.ok()) return key.status();
  absl::StatusOr<std::string> trusted_ca = ReadFile(files.trusted_ca);
  if (!trusted_ca.ok()) return trusted_ca.status();
  return Pem{*certificate, *key, *trusted_ca};
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> ListenCredentials(const Url& url,
                                                                           const TlsFiles& files) {
  if (!url.tls) return grpc::InsecureServerCredentials();
  absl::StatusOr<Pem> pem = Read(files);
  if (!pem.ok()) return pem.status();
  grpc::SslServerCredentialsOptions options(
      files.require_client_certificate ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
      : files.trusted_ca.empty()       ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
                                       : GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY);
  options.pem_root_certs = pem->trusted_ca;
  options.pem_key_cert_pairs = {{pem->key, pem->certificate}};
  return grpc::SslServerCredentials(options);
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> DialCredentials(const Url& url,
                                                                          const TlsFiles& files) {
  if (!url.tls) return grpc::InsecureChannelCredentials();
  absl::StatusOr<Pem> pem = Read(files);
  if (!pem.ok()) return pem.status();
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = pem->trusted_ca;
  options.pem_private_key = pem->key;
  options.pem_cert_chain = pem->certificate;
  return grpc::SslCredentials(options);
}

}  // namespace raftexample::rpc
