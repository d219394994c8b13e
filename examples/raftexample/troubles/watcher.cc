#include "examples/raftexample/troubles/watcher.h"

#include <algorithm>
#include <chrono>
#include <random>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace raftexample {

Watcher::Watcher(MemberProcesses* members, uint64_t seed)
    : members_(members), thread_([this, seed] { Run(seed); }) {}

std::vector<std::string> Watcher::Finish(int64_t revision,
                                         const std::vector<History::Write>& writes) {
  last_ = revision;
  thread_.join();
  for (const History::Write& write : writes) {
    const auto found = events_.find({write.revision, write.key});
    if (found == events_.end()) {
      Complain(absl::StrCat("no event of ", write.key, " at ", write.revision));
    } else if (found->second != write.value) {
      Complain(absl::StrCat("another value of ", write.key, " at ", write.revision));
    }
  }
  return complaints_;
}

void Watcher::Run(uint64_t seed) {
  std::minstd_rand random(seed);
  while (seen_ < last_) Follow(random() % members_->size());
}

// Until the stream breaks, or everything is there.
void Watcher::Follow(int member) {
  auto stub = etcdserverpb::Watch::NewStub(members_->channel(member));
  grpc::ClientContext context;
  // Comes back in any case: a member may have been killed before it ever answered.
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(3));
  auto stream = stub->Watch(&context);
  etcdserverpb::WatchRequest request;
  request.mutable_create_request()->set_key("k/");
  request.mutable_create_request()->set_range_end("k0");
  request.mutable_create_request()->set_start_revision(seen_ + 1);
  ++streams_;
  etcdserverpb::WatchResponse response;
  if (stream->Write(request)) {
    while (seen_ < last_ && stream->Read(&response)) Take(response);
  }
  context.TryCancel();
  stream->Finish();
  absl::SleepFor(absl::Milliseconds(5));
}

void Watcher::Take(const etcdserverpb::WatchResponse& response) {
  if (response.canceled()) Complain("canceled: " + response.cancel_reason());
  const int64_t before = seen_;  // Every event must be later than what earlier responses held.
  int64_t newest = seen_;
  for (const mvccpb::Event& event : response.events()) {
    const int64_t revision = event.kv().mod_revision();
    if (revision <= before) {
      Complain(absl::StrCat("revision ", revision, " after ", before, " had ended"));
    }
    if (revision < newest) Complain(absl::StrCat("revision ", revision, " after ", newest));
    newest = std::max(newest, revision);
    if (!events_.insert({{revision, event.kv().key()}, event.kv().value()}).second) {
      Complain(absl::StrCat("twice: ", event.kv().key(), " at ", revision));
    }
  }
  seen_ = newest;
}

void Watcher::Complain(std::string what) {
  if (complaints_.size() < 20) complaints_.push_back(std::move(what));
}

}  // namespace raftexample
