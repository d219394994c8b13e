#include "examples/raftexample/http/web_server.h"

#include <gnutls/gnutls.h>
#include <microhttpd.h>
#include <sys/socket.h>

#include <fstream>
#include <sstream>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace raftexample::http {
namespace {

constexpr unsigned int kMaxConnections = 512;
constexpr unsigned int kIdleSeconds = 60;
constexpr absl::Duration kLastWords = absl::Seconds(1);  // For answers to leave, in the end.
constexpr size_t kConnectionBytes = 32 * 1024;           // For the head of a request.

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream content;
  if (!file || !(content << file.rdbuf())) {
    return absl::InvalidArgumentError(absl::StrCat("cannot read ", path));
  }
  return content.str();
}

// One request, from its head to its answer. Shared with whoever is going to answer.
class Exchange {
 public:
  explicit Exchange(MHD_Connection* connection) : connection_(connection) {}

  // By any thread. The connection goes on, if it has been put to rest.
  void SetAnswer(Response response) {
    absl::MutexLock lock(&mutex_);
    response_ = std::move(response);
    if (resting_) MHD_resume_connection(connection_);
  }

  // By the web server's thread. Without an answer the connection rests until there is one.
  absl::optional<Response> TakeAnswerOrRest() {
    absl::MutexLock lock(&mutex_);
    if (!response_.has_value()) {
      resting_ = true;
      MHD_suspend_connection(connection_);
    }
    return std::move(response_);
  }

  bool asked = false;  // The handler has been called.

 private:
  MHD_Connection* const connection_;
  absl::Mutex mutex_;
  absl::optional<Response> response_ ABSL_GUARDED_BY(mutex_);
  bool resting_ ABSL_GUARDED_BY(mutex_) = false;
};

MHD_Result Send(MHD_Connection* connection, const Response& response) {
  const std::unique_ptr<MHD_Response, decltype(&MHD_destroy_response)> reply(
      MHD_create_response_from_buffer(response.body.size(), const_cast<char*>(response.body.data()),
                                      MHD_RESPMEM_MUST_COPY),
      MHD_destroy_response);
  MHD_add_response_header(reply.get(), MHD_HTTP_HEADER_CONTENT_TYPE, response.content_type.c_str());
  for (const auto& [name, value] : response.headers) {
    MHD_add_response_header(reply.get(), name.c_str(), value.c_str());
  }
  return MHD_queue_response(connection, static_cast<unsigned int>(response.status), reply.get());
}

// Whether the client has shown a certificate that one of the trusted authorities has signed.
bool HasTrustedCertificate(MHD_Connection* connection) {
  const MHD_ConnectionInfo* const info =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
  if (info == nullptr || info->tls_session == nullptr) return false;
  unsigned int flaws = 0;
  return gnutls_certificate_verify_peers2(static_cast<gnutls_session_t>(info->tls_session),
                                          &flaws) == GNUTLS_E_SUCCESS &&
         flaws == 0;
}

MHD_Result AddToQuery(void* request, MHD_ValueKind, const char* name, const char* value) {
  static_cast<Request*>(request)->query.emplace(name, value == nullptr ? "" : value);
  return MHD_YES;
}

class MicroHttpd final : public WebServer {
 public:
  explicit MicroHttpd(Handler handler) : handler_(std::move(handler)) {}
  ~MicroHttpd() override { Shutdown(); }

  absl::Status Start(const absl::optional<TlsFiles>& tls) {
    unsigned int flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL |
                         MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET;
    std::vector<MHD_OptionItem> options = {
        {MHD_OPTION_CONNECTION_LIMIT, kMaxConnections, nullptr},
        {MHD_OPTION_CONNECTION_TIMEOUT, kIdleSeconds, nullptr},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, kConnectionBytes, nullptr},
        {MHD_OPTION_NOTIFY_COMPLETED, reinterpret_cast<intptr_t>(&MicroHttpd::OnCompleted), this},
    };
    std::vector<std::string> files;  // Until the daemon has read them.
    if (tls.has_value()) {
      flags |= MHD_USE_TLS;
      if (absl::Status added = AddTls(*tls, files, options); !added.ok()) return added;
      certificates_only_ = tls->require_client_certificate;
    }
    options.push_back({MHD_OPTION_END, 0, nullptr});
    daemon_ = MHD_start_daemon(flags, 0, nullptr, nullptr, &MicroHttpd::OnRequest, this,
                               MHD_OPTION_ARRAY, options.data(), MHD_OPTION_END);
    if (daemon_ == nullptr) return absl::UnavailableError("cannot start the web server");
    return absl::OkStatus();
  }

  void Take(Socket connection) override {
    sockaddr_storage address = {};
    socklen_t size = sizeof(address);
    auto* peer = reinterpret_cast<sockaddr*>(&address);
    if (getpeername(connection.fd(), peer, &size) != 0) return;  // Gone again.
    // Closes it if it cannot take it.
    MHD_add_connection(daemon_, connection.Release(), peer, size);
  }

  void Shutdown() override {
    if (daemon_ == nullptr) return;
    {
      absl::MutexLock lock(&mutex_);
      shutting_down_ = true;
      mutex_.Await(absl::Condition(this, &MicroHttpd::AllAnswered));
      mutex_.AwaitWithTimeout(absl::Condition(this, &MicroHttpd::AllSent), kLastWords);
    }
    MHD_stop_daemon(daemon_);
    daemon_ = nullptr;
  }

 private:
  static absl::Status AddTls(const TlsFiles& tls, std::vector<std::string>& files,
                             std::vector<MHD_OptionItem>& options) {
    std::vector<std::pair<MHD_OPTION, std::string>> wanted = {
        {MHD_OPTION_HTTPS_MEM_CERT, tls.certificate}, {MHD_OPTION_HTTPS_MEM_KEY, tls.key}};
    if (tls.require_client_certificate) {
      wanted.emplace_back(MHD_OPTION_HTTPS_MEM_TRUST, tls.trusted_ca);
    }
    files.reserve(wanted.size());
    for (const auto& [option, path] : wanted) {
      absl::StatusOr<std::string> content = ReadFile(path);
      if (!content.ok()) return content.status();
      files.push_back(*std::move(content));
      options.push_back({option, 0, files.back().data()});
    }
    return absl::OkStatus();
  }

  // Called for the head of a request, for each piece of its body, at its end, and again when a
  // resting connection goes on.
  static MHD_Result OnRequest(void* self, MHD_Connection* connection, const char* url,
                              const char* method, const char*, const char*, size_t* body_size,
                              void** state) {
    return static_cast<MicroHttpd*>(self)->Serve(connection, url, method, body_size, state);
  }

  MHD_Result Serve(MHD_Connection* connection, const char* url, const char* method,
                   size_t* body_size, void** state) {
    if (*state == nullptr) {
      *state = new std::shared_ptr<Exchange>(std::make_shared<Exchange>(connection));
      return MHD_YES;
    }
    if (*body_size != 0) {
      *body_size = 0;  // Nobody asked for a body.
      return MHD_YES;
    }
    const std::shared_ptr<Exchange> exchange = *static_cast<std::shared_ptr<Exchange>*>(*state);
    if (!std::exchange(exchange->asked, true)) Ask(connection, url, method, exchange);
    const absl::optional<Response> response = exchange->TakeAnswerOrRest();
    return response.has_value() ? Send(connection, *response) : MHD_YES;
  }

  void Ask(MHD_Connection* connection, const char* url, const char* method,
           const std::shared_ptr<Exchange>& exchange) {
    bool stopping = false;
    {
      absl::MutexLock lock(&mutex_);
      stopping = shutting_down_;
      ++unsent_;
      if (!stopping) ++unanswered_;
    }
    if (stopping) return exchange->SetAnswer({.status = 503, .body = "stopping\n"});
    const auto answer = [this, exchange](Response response) {
      exchange->SetAnswer(std::move(response));
      absl::MutexLock lock(&mutex_);
      --unanswered_;
    };
    if (certificates_only_ && !HasTrustedCertificate(connection)) {
      return answer({.status = 403, .body = "a client certificate is required\n"});
    }
    Request request = {.method = method, .path = url};
    MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, AddToQuery, &request);
    handler_(request, answer);
  }

  // The answer has been sent, or the client is gone.
  static void OnCompleted(void* self, MHD_Connection*, void** state, MHD_RequestTerminationCode) {
    const std::unique_ptr<std::shared_ptr<Exchange>> exchange(
        static_cast<std::shared_ptr<Exchange>*>(std::exchange(*state, nullptr)));
    if (exchange == nullptr || !(*exchange)->asked) return;
    auto* const server = static_cast<MicroHttpd*>(self);
    absl::MutexLock lock(&server->mutex_);
    --server->unsent_;
  }

  bool AllAnswered() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return unanswered_ == 0; }
  bool AllSent() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return unsent_ == 0; }

  const Handler handler_;
  MHD_Daemon* daemon_ = nullptr;
  bool certificates_only_ = false;  // The library only asks for them.
  absl::Mutex mutex_;
  int unanswered_ ABSL_GUARDED_BY(mutex_) = 0;
  int unsent_ ABSL_GUARDED_BY(mutex_) = 0;  // Of those that have been asked.
  bool shutting_down_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace

absl::StatusOr<std::unique_ptr<WebServer>> WebServer::Start(Handler handler,
                                                            const absl::optional<TlsFiles>& tls) {
  auto server = std::make_unique<MicroHttpd>(std::move(handler));
  if (absl::Status started = server->Start(tls); !started.ok()) return started;
  return server;
}

}  // namespace raftexample::http
