// What the tests of this room share: a store to watch, and a hub that watches it.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_WATCH_TESTING_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_WATCH_TESTING_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "examples/raftexample/backend/backend.h"
#include "examples/raftexample/mvcc/store.h"
#include "examples/raftexample/proto/rpc.pb.h"
#include "examples/raftexample/testing/model_store.h"
#include "examples/raftexample/testing/temp_directory.h"
#include "examples/raftexample/watch/watch_hub.h"
#include "gtest/gtest.h"

namespace raftexample {

// As a range_end: every key from `key` on.
inline const std::string kZero(1, '\0');

inline std::string Text(const google::protobuf::Message& message) {
  return message.ShortDebugString();
}

inline etcdserverpb::WatchCreateRequest ToWatch(const std::string& key, const std::string& end = "",
                                                int64_t start = 0) {
  etcdserverpb::WatchCreateRequest request;
  request.set_key(key);
  request.set_range_end(end);
  request.set_start_revision(start);
  return request;
}

class StoreTest : public testing::Test {
 protected:
  StoreTest() { Renew(); }

  // Another store, at revision 1.
  void Renew() {
    store_ = nullptr;
    backend_ = nullptr;
    backend_ = *Backend::Open({dir_ / absl::StrCat(++stores_), 64 << 20, /*sync=*/false});
    store_ = *Store::Open(backend_.get(), &leases_);
  }

  void Put(Store::Write& write, const std::string& key, const std::string& value) {
    etcdserverpb::PutRequest request;
    request.set_key(key);
    request.set_value(value);
    write.Put(request, nullptr);
  }
  void Delete(Store::Write& write, const std::string& key, const std::string& end = "") {
    etcdserverpb::DeleteRangeRequest request;
    request.set_key(key);
    request.set_range_end(end);
    write.DeleteRange(request, nullptr);
  }
  virtual void Finish(Store::Write& write) { write.Finish(); }

  // Each a transaction of its own. Returns the revision that it made.
  int64_t Put(const std::string& key, const std::string& value) {
    Store::Write write(store_.get());
    Put(write, key, value);
    Finish(write);
    return store_->revision();
  }
  int64_t Delete(const std::string& key, const std::string& end = "") {
    Store::Write write(store_.get());
    Delete(write, key, end);
    Finish(write);
    return store_->revision();
  }
  void Compact(int64_t revision) {
    ASSERT_TRUE(store_->Compact(revision).ok());
    ASSERT_TRUE(backend_->Commit().ok());
    while (*store_->CompactSome()) {
    }
  }

  TempDirectory dir_;
  int stores_ = 0;
  ModelLeases leases_;
  std::unique_ptr<Backend> backend_;
  std::unique_ptr<Store> store_;
};

class HubTest : public StoreTest {
 protected:
  HubTest() { Start({}); }

  // Another hub, over another store.
  void Start(WatchHub::Options options) {
    hub_ = nullptr;
    Renew();
    options.wake = [this] { ++wakes_; };
    hub_ = WatchHub::Create(store_.get(), std::move(options));
  }

  std::unique_ptr<WatchStream> Open() {
    return hub_->OpenStream([this] { ++readies_; });
  }
  void Finish(Store::Write& write) override {
    write.Finish();
    if (!write.changes().empty()) hub_->Notify(store_->revision(), write.changes());
  }
  void Sync() {
    while (hub_->SyncSome()) {
    }
  }
  // The next response, which there must be.
  etcdserverpb::WatchResponse Next(WatchStream& stream) {
    absl::optional<WatchOutput> output = stream.Next();
    EXPECT_TRUE(output.has_value());
    return output ? output->ToProto() : etcdserverpb::WatchResponse();
  }
  etcdserverpb::WatchResponse Created(WatchStream& stream,
                                      const etcdserverpb::WatchCreateRequest& request) {
    stream.Create(request);
    etcdserverpb::WatchResponse response = Next(stream);
    EXPECT_TRUE(response.created());
    return response;
  }
  // What the events of the response say in short: "a=1", or "-a" for a delete.
  static std::string Short(const etcdserverpb::WatchResponse& response) {
    std::string text;
    for (const mvccpb::Event& event : response.events()) {
      absl::StrAppend(&text, text.empty() ? "" : " ",
                      event.type() == mvccpb::Event::DELETE ? "-" : "", event.kv().key(),
                      event.type() == mvccpb::Event::DELETE ? "" : "=" + event.kv().value());
    }
    return text;
  }

  std::unique_ptr<WatchHub> hub_;
  std::atomic<int> wakes_{0}, readies_{0};
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_WATCH_TESTING_H_
