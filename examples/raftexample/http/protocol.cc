#include "examples/raftexample/http/protocol.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <memory>

#include "absl/strings/match.h"

namespace raftexample::http {
namespace {

constexpr absl::string_view kPreface = "PRI * HTTP/2.0";

// The list of ALPN: two bytes of length, then each name behind a byte of its own length.
bool Lists(absl::string_view list, absl::string_view wanted) {
  if (list.size() < 2) return false;
  list.remove_prefix(2);
  while (!list.empty()) {
    const size_t size = static_cast<unsigned char>(list[0]);
    if (size + 1 > list.size()) return false;
    if (list.substr(1, size) == wanted) return true;
    list.remove_prefix(size + 1);
  }
  return false;
}

// Called by OpenSSL when it has read the whole hello. Always ends the handshake, which is not ours.
int OnHello(SSL* ssl, int*, void* out) {
  const unsigned char* offered = nullptr;
  size_t size = 0;
  const bool found = SSL_client_hello_get0_ext(
      ssl, TLSEXT_TYPE_application_layer_protocol_negotiation, &offered, &size);
  const bool http1 =
      !found || Lists(absl::string_view(reinterpret_cast<const char*>(offered), size), "http/1.1");
  *static_cast<Protocol*>(out) = http1 ? Protocol::kHttp1 : Protocol::kHttp2;
  return SSL_CLIENT_HELLO_ERROR;
}

}  // namespace

Protocol ProtocolOf(absl::string_view first_bytes) {
  if (absl::StartsWith(first_bytes, kPreface)) return Protocol::kHttp2;
  return absl::StartsWith(kPreface, first_bytes) ? Protocol::kUnknown : Protocol::kHttp1;
}

Protocol ProtocolInTls(absl::string_view first_bytes) {
  Protocol protocol = Protocol::kUnknown;
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_server_method()),
                                                                  SSL_CTX_free);
  SSL_CTX_set_client_hello_cb(context.get(), OnHello, &protocol);
  const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context.get()), SSL_free);
  BIO* const in = BIO_new(BIO_s_mem());
  BIO_write(in, first_bytes.data(), static_cast<int>(first_bytes.size()));
  BIO_set_mem_eof_return(in, -1);  // More may come.
  SSL_set_bio(ssl.get(), in, BIO_new(BIO_s_null()));
  const int result = SSL_accept(ssl.get());
  const bool wants_more = SSL_get_error(ssl.get(), result) == SSL_ERROR_WANT_READ;
  ERR_clear_error();
  if (protocol != Protocol::kUnknown) return protocol;
  return wants_more && first_bytes.size() < kMaxFirstBytes ? Protocol::kUnknown : Protocol::kHttp2;
}

}  // namespace raftexample::http
