// Certificates for tests, made on the spot.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_TESTING_TEST_CERTIFICATES_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_TESTING_TEST_CERTIFICATES_H_

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>

#include "raft/check.h"

namespace raftexample {

struct TestCertificate {
  std::string certificate, key;  // PEM.
};

// An authority with a key of its own: those who trust one do not trust another.
class TestAuthority {
 public:
  TestAuthority() : key_(NewKey()), certificate_(Sign("test authority", key_.get(), nullptr)) {}

  std::string certificate() const { return ToPem(certificate_.get()); }

  // For a server at 127.0.0.1, or a client that calls itself so.
  TestCertificate Issue(const std::string& common_name) const {
    const Key key = NewKey();
    return {ToPem(Sign(common_name, key.get(), certificate_.get()).get()), ToPem(key.get())};
  }

 private:
  using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
  using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

  static Key NewKey() { return Key(EVP_EC_gen("P-256"), EVP_PKEY_free); }

  static void Extend(X509* certificate, int kind, const char* value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value);
    RAFT_CHECK(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1) << value;
    X509_EXTENSION_free(extension);
  }

  // Without an issuer it is the authority's own.
  Certificate Sign(const std::string& common_name, EVP_PKEY* key, X509* issuer) const {
    static long serial = 1;
    Certificate certificate(X509_new(), X509_free);
    X509* const x = certificate.get();
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), serial++);
    X509_gmtime_adj(X509_getm_notBefore(x), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x), 24 * 3600);
    X509_set_pubkey(x, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1,
                               0);
    X509_set_issuer_name(x, X509_get_subject_name(issuer == nullptr ? x : issuer));
    if (issuer == nullptr) {
      Extend(x, NID_basic_constraints, "critical,CA:TRUE");
    } else {
      Extend(x, NID_subject_alt_name, "IP:127.0.0.1,DNS:localhost");
    }
    RAFT_CHECK(X509_sign(x, key_.get(), EVP_sha256()) > 0);
    return certificate;
  }

  template <typename Write>
  static std::string PemOf(Write write) {
    std::unique_ptr<BIO, decltype(&BIO_free)> memory(BIO_new(BIO_s_mem()), BIO_free);
    RAFT_CHECK(write(memory.get()) == 1);
    char* data = nullptr;
    const long size = BIO_get_mem_data(memory.get(), &data);
    return std::string(data, static_cast<size_t>(size));
  }
  static std::string ToPem(X509* certificate) {
    return PemOf([=](BIO* out) { return PEM_write_bio_X509(out, certificate); });
  }
  static std::string ToPem(EVP_PKEY* key) {
    return PemOf([=](BIO* out) {
      return PEM_write_bio_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
    });
  }

  const Key key_;
  const Certificate certificate_;
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_TESTING_TEST_CERTIFICATES_H_
