// What clients asked of a cluster and were told, for the checker of histories.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_TESTING_HISTORY_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_TESTING_HISTORY_H_

#include <grpcpp/client_context.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/optional.h"
#include "examples/raftexample/proto/rpc.grpc.pb.h"
#include "rafttest/linearizability.h"

namespace raftexample {

// Thread-safe. One clock for all clients.
class History {
 public:
  uint64_t Now() const {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() -
                                                                start_)
        .count();
  }
  void Add(rafttest::Operation operation) {
    absl::MutexLock lock(&mutex_);
    operations_.push_back(std::move(operation));
  }
  // An acknowledged write: at this revision there is an event of this key with this value.
  void AddWrite(int64_t revision, const std::string& key, const std::string& value) {
    absl::MutexLock lock(&mutex_);
    writes_.push_back({revision, key, value});
  }

  struct Write {
    int64_t revision;
    std::string key, value;
  };
  std::vector<rafttest::Operation> operations() const {
    absl::MutexLock lock(&mutex_);
    return operations_;
  }
  std::vector<Write> writes() const {
    absl::MutexLock lock(&mutex_);
    return writes_;
  }

 private:
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  mutable absl::Mutex mutex_;
  std::vector<rafttest::Operation> operations_ ABSL_GUARDED_BY(mutex_);
  std::vector<Write> writes_ ABSL_GUARDED_BY(mutex_);
};

// One client, one request at a time, each at the member that `keys` talks to. Every request is
// written down; true if it was answered. Of a write that was not answered nobody knows the outcome,
// a read that was not answered never was.
class RecordedClient {
 public:
  using Keys = etcdserverpb::KV::Stub;

  RecordedClient(uint64_t id, History* history, std::chrono::milliseconds timeout)
      : id_(id), history_(history), timeout_(timeout) {}

  bool Put(Keys& keys, const std::string& key, const std::string& value) {
    etcdserverpb::PutRequest request;
    etcdserverpb::PutResponse response;
    request.set_key(key);
    request.set_value(value);
    rafttest::Operation put = Begin(key, "put", {value});
    const bool ok = Ask([&](auto* context) { return keys.Put(context, request, &response); });
    if (ok) {
      put.returned = history_->Now();
      history_->AddWrite(response.header().revision(), key, value);
    }
    history_->Add(std::move(put));
    return ok;
  }

  // Two keys at one revision.
  bool PutBoth(Keys& keys, const std::string& a, const std::string& b, const std::string& value) {
    etcdserverpb::TxnRequest request;
    etcdserverpb::TxnResponse response;
    for (const std::string& key : {a, b}) {
      etcdserverpb::PutRequest& put = *request.add_success()->mutable_request_put();
      put.set_key(key);
      put.set_value(value);
    }
    rafttest::Operation first = Begin(a, "put", {value});
    rafttest::Operation second = Begin(b, "put", {value});
    const bool ok = Ask([&](auto* context) { return keys.Txn(context, request, &response); });
    if (ok) {
      first.returned = second.returned = history_->Now();
      history_->AddWrite(response.header().revision(), a, value);
      history_->AddWrite(response.header().revision(), b, value);
    }
    history_->Add(std::move(first));
    history_->Add(std::move(second));
    return ok;
  }

  bool Delete(Keys& keys, const std::string& key) {
    etcdserverpb::DeleteRangeRequest request;
    etcdserverpb::DeleteRangeResponse response;
    request.set_key(key);
    rafttest::Operation operation = Begin(key, "delete", {});
    const bool ok =
        Ask([&](auto* context) { return keys.DeleteRange(context, request, &response); });
    if (ok) operation.returned = history_->Now();
    history_->Add(std::move(operation));
    return ok;
  }

  // Linearizable, unless it is to be what the member has.
  bool Get(Keys& keys, const std::string& key, bool serializable = false) {
    etcdserverpb::RangeRequest request;
    etcdserverpb::RangeResponse response;
    request.set_key(key);
    request.set_serializable(serializable);
    rafttest::Operation get = Begin(key, "get", {});
    if (!Ask([&](auto* context) { return keys.Range(context, request, &response); })) return false;
    get.returned = history_->Now();
    if (response.kvs_size() > 0) get.result = response.kvs(0).value();
    history_->Add(std::move(get));
    return true;
  }

  // Puts `value` if the key has the value `expected`.
  bool CompareAndPut(Keys& keys, const std::string& key, const std::string& expected,
                     const std::string& value) {
    etcdserverpb::TxnRequest request;
    etcdserverpb::TxnResponse response;
    etcdserverpb::Compare& compare = *request.add_compare();
    compare.set_target(etcdserverpb::Compare::VALUE);
    compare.set_result(etcdserverpb::Compare::EQUAL);
    compare.set_key(key);
    compare.set_value(expected);
    etcdserverpb::PutRequest& put = *request.add_success()->mutable_request_put();
    put.set_key(key);
    put.set_value(value);
    rafttest::Operation cas = Begin(key, "cas", {expected, value});
    const bool ok = Ask([&](auto* context) { return keys.Txn(context, request, &response); });
    if (ok) {
      cas.returned = history_->Now();
      cas.result = response.succeeded() ? "true" : "false";
      if (response.succeeded()) history_->AddWrite(response.header().revision(), key, value);
    }
    history_->Add(std::move(cas));
    return ok;
  }

 private:
  rafttest::Operation Begin(const std::string& key, const char* action,
                            std::vector<std::string> arguments) {
    return {.client = id_,
            .key = key,
            .action = action,
            .arguments = std::move(arguments),
            .called = history_->Now()};
  }

  template <typename Call>
  bool Ask(Call call) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + timeout_);
    return call(&context).ok();
  }

  const uint64_t id_;
  History* const history_;
  const std::chrono::milliseconds timeout_;
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_TESTING_HISTORY_H_
