#include "examples/raftexample/http/protocol.h"

#include <openssl/bio.h>
#include <openssl/ssl.h>

#include <string>

#include "gtest/gtest.h"

namespace raftexample::http {
namespace {

TEST(Protocol, ToldFromTheFirstBytes) {
  struct {
    const char* name;
    const char* bytes;
    Protocol told;
  } cases[] = {
      {"nothing yet", "", Protocol::kUnknown},
      {"a P may become anything", "P", Protocol::kUnknown},
      {"all but the last byte of the preface", "PRI * HTTP/2.", Protocol::kUnknown},
      {"the preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Protocol::kHttp2},
      {"GET", "G", Protocol::kHttp1},
      {"PUT", "PUT /v3/kv HTTP/1.1\r\n", Protocol::kHttp1},
      {"POST is no preface from the second byte on", "PO", Protocol::kHttp1},
      {"a method that looks like the preface", "PRI * HTTP/1.1", Protocol::kHttp1},
      {"neither of the two", "\x16\x03\x01", Protocol::kHttp1},
  };
  for (const auto& c : cases) EXPECT_EQ(ProtocolOf(c.bytes), c.told) << c.name;
}

// The first flight of a real client that offers these names; nullptr: none.
std::string Hello(const char* alpn) {
  SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
  SSL* const ssl = SSL_new(context);
  BIO* const out = BIO_new(BIO_s_mem());
  SSL_set_bio(ssl, BIO_new(BIO_s_mem()), out);
  SSL_set_tlsext_host_name(ssl, "localhost");
  if (alpn != nullptr) {
    SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>(alpn),
                        static_cast<unsigned int>(strlen(alpn)));
  }
  SSL_connect(ssl);
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(out, &bytes);
  const std::string hello(bytes, static_cast<size_t>(size));
  SSL_free(ssl);
  SSL_CTX_free(context);
  return hello;
}

TEST(Protocol, InsideOfTlsIsWhatTheClientOffers) {
  EXPECT_EQ(ProtocolInTls(Hello("\x02h2")), Protocol::kHttp2) << "clients of gRPC";
  EXPECT_EQ(ProtocolInTls(Hello("\x02h2\x08http/1.1")), Protocol::kHttp1) << "browsers";
  EXPECT_EQ(ProtocolInTls(Hello("\x08http/1.1")), Protocol::kHttp1);
  EXPECT_EQ(ProtocolInTls(Hello(nullptr)), Protocol::kHttp1) << "simple tools";
}

TEST(Protocol, AHelloMayComeInPieces) {
  const std::string hello = Hello("\x02h2\x08http/1.1");
  for (size_t size = 0; size < hello.size(); ++size) {
    ASSERT_EQ(ProtocolInTls(hello.substr(0, size)), Protocol::kUnknown) << size;
  }
}

TEST(Protocol, WhatIsNoTlsIsLeftToTheOneThatRefusesIt) {
  EXPECT_EQ(ProtocolInTls("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"), Protocol::kHttp2);
  EXPECT_EQ(ProtocolInTls(std::string(kMaxFirstBytes, '\x16')), Protocol::kHttp2);
}

}  // namespace
}  // namespace raftexample::http
