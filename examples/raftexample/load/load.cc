// A load generator for anything that speaks etcd's API: so many clients over so many connections,
// for so long.
//
//   load --endpoints=127.0.0.1:2379 --workloads=put,get --clients=1,64 --seconds=8
//
// A closed loop: each client asks again as soon as it has been answered. With --rate=N an open one:
// N requests per second become due, a free client takes each, and its latency counts from when it
// was due, so that a server that stalls cannot hide it by being asked less. (To a millisecond: so
// coarse are the timers that the load waits with.)
//
// Prints one line for each workload and number of clients: requests per second, and the mean, the
// median and the 99th percentile of their latency. With --disk=DIR it first measures what the disk
// under DIR can do alone: appending 512 bytes and fdatasync, one after the other.

#include <fcntl.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/support/async_unary_call.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "examples/raftexample/proto/rpc.grpc.pb.h"

ABSL_FLAG(std::vector<std::string>, endpoints, {"127.0.0.1:2379"}, "host:port,...");
ABSL_FLAG(std::vector<std::string>, workloads, std::vector<std::string>({"put", "get"}),
          "put, get (linearizable), sget (serializable)");
ABSL_FLAG(std::vector<std::string>, clients, std::vector<std::string>({"1", "64", "256"}),
          "requests under way at a time; each number is a run");
ABSL_FLAG(double, rate, 0, "requests per second that become due; 0: as fast as they are answered");
ABSL_FLAG(int, connections, 8, "at most; spread over the endpoints");
ABSL_FLAG(double, seconds, 8, "of each run");
ABSL_FLAG(double, warm_up_seconds, 0.5, "before each run, not counted");
ABSL_FLAG(int, keys, 10000, "different keys");
ABSL_FLAG(int, value_bytes, 256, "of each value");
ABSL_FLAG(std::string, label, "", "put in front of each line");
ABSL_FLAG(std::string, disk, "", "a directory whose disk is measured first");

namespace raftexample {
namespace {

using Clock = std::chrono::steady_clock;
using etcdserverpb::KV;
using etcdserverpb::PutRequest;
using etcdserverpb::PutResponse;
using etcdserverpb::RangeRequest;
using etcdserverpb::RangeResponse;

double Seconds(Clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

// Of a sorted list, in microseconds.
double Percentile(const std::vector<float>& sorted, double part) {
  if (sorted.empty()) return 0;
  return sorted[std::min(sorted.size() - 1, static_cast<size_t>(part * sorted.size()))];
}

void Report(absl::string_view what, double seconds, std::vector<float> micros, double cpu_seconds) {
  std::sort(micros.begin(), micros.end());
  double sum = 0;
  for (const float one : micros) sum += one;
  const double count = std::max<double>(1, static_cast<double>(micros.size()));
  absl::PrintF("%-34s %9.0f/s  mean %7.0f us  p50 %7.0f us  p99 %7.0f us  client cpu %5.1f us\n",
               what, micros.size() / seconds, sum / count, Percentile(micros, 0.5),
               Percentile(micros, 0.99), cpu_seconds * 1e6 / count);
  std::fflush(stdout);
}

double CpuSeconds() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

// Appends and syncs, in place of a log with one writer and nothing else.
bool MeasureDisk(const std::string& directory) {
  constexpr int kRounds = 2000;
  constexpr size_t kBlock = 512;
  const std::string path = directory + "/load-disk-test";
  const int fd = open(path.c_str(), O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600);
  if (fd < 0 || posix_fallocate(fd, 0, kRounds * kBlock) != 0 || fsync(fd) != 0) {
    std::perror(path.c_str());
    return false;
  }
  const std::string block(kBlock, 'x');
  std::vector<float> micros;
  const Clock::time_point start = Clock::now();
  for (int i = 0; i < kRounds; ++i) {
    const Clock::time_point before = Clock::now();
    if (pwrite(fd, block.data(), kBlock, static_cast<off_t>(i * kBlock)) != kBlock ||
        fdatasync(fd) != 0) {
      std::perror(path.c_str());
      return false;
    }
    micros.push_back(static_cast<float>(Seconds(Clock::now() - before) * 1e6));
  }
  Report("pwrite + fdatasync, 512 B", Seconds(Clock::now() - start), std::move(micros), 0);
  close(fd);
  unlink(path.c_str());
  return true;
}

enum class Workload { kPut, kGet, kSerializableGet };

// One client, with at most one request under way.
class Client {
 public:
  Client(Workload workload, KV::Stub* stub, grpc::CompletionQueue* queue, uint64_t seed)
      : workload_(workload), stub_(stub), queue_(queue), random_(seed) {
    put_.set_value(std::string(absl::GetFlag(FLAGS_value_bytes), 'x'));
    range_.set_serializable(workload == Workload::kSerializableGet);
  }

  // For a request that was due then. The answer comes out of the queue with this client as its tag.
  void Ask(Clock::time_point due) {
    put_reader_ = nullptr;  // Readers live in memory of their call, which goes with the context.
    range_reader_ = nullptr;
    context_ = std::make_unique<grpc::ClientContext>();
    const std::string key = absl::StrFormat("key-%09d", random_() % absl::GetFlag(FLAGS_keys));
    due_ = due;
    if (workload_ == Workload::kPut) {
      put_.set_key(key);
      put_reader_ = stub_->AsyncPut(context_.get(), put_, queue_);
      put_reader_->Finish(&put_response_, &status_, this);
    } else {
      range_.set_key(key);
      range_reader_ = stub_->AsyncRange(context_.get(), range_, queue_);
      range_reader_->Finish(&range_response_, &status_, this);
    }
  }

  const grpc::Status& status() const { return status_; }
  Clock::time_point due() const { return due_; }

 private:
  const Workload workload_;
  KV::Stub* const stub_;
  grpc::CompletionQueue* const queue_;
  std::minstd_rand random_;
  Clock::time_point due_;
  std::unique_ptr<grpc::ClientContext> context_;
  grpc::Status status_;
  PutRequest put_;
  PutResponse put_response_;
  std::unique_ptr<grpc::ClientAsyncResponseReader<PutResponse>> put_reader_;
  RangeRequest range_;
  RangeResponse range_response_;
  std::unique_ptr<grpc::ClientAsyncResponseReader<RangeResponse>> range_reader_;
};

std::vector<std::unique_ptr<KV::Stub>> Connect(int connections) {
  const std::vector<std::string> endpoints = absl::GetFlag(FLAGS_endpoints);
  std::vector<std::unique_ptr<KV::Stub>> stubs;
  for (int i = 0; i < connections; ++i) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // Connections of their own.
    arguments.SetMaxReceiveMessageSize(-1);
    stubs.push_back(KV::NewStub(grpc::CreateCustomChannel(
        endpoints[i % endpoints.size()], grpc::InsecureChannelCredentials(), arguments)));
  }
  return stubs;
}

Clock::duration Length(double seconds) {
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

// One run: what is asked when, and what became of it.
class Run {
 public:
  Run(Workload workload, absl::string_view name, int clients)
      : name_(name), stubs_(Connect(std::min(clients, absl::GetFlag(FLAGS_connections)))) {
    for (int i = 0; i < clients; ++i) {
      KV::Stub* stub = stubs_[i % stubs_.size()].get();
      clients_.push_back(std::make_unique<Client>(workload, stub, &queue_, i + 1));
      free_.push_back(clients_.back().get());
    }
  }
  ~Run() {
    queue_.Shutdown();
    void* tag = nullptr;
    for (bool ok = false; queue_.Next(&tag, &ok);) {
    }
  }

  // False if a request failed.
  bool Execute() {
    while (AskWhatIsDue() || free_.size() < clients_.size()) TakeAnswer();
    return !failed_;
  }

  void Print() const {
    const std::string label = absl::GetFlag(FLAGS_label);
    Report(absl::StrFormat("%s%s%s, %d clients, %d conns", label, label.empty() ? "" : " ", name_,
                           clients_.size(), stubs_.size()),
           absl::GetFlag(FLAGS_seconds), micros_, CpuSeconds() - cpu_at_start_);
  }

 private:
  // False when there is nothing more to ask.
  bool AskWhatIsDue() {
    const Clock::time_point now = Clock::now();
    if (failed_ || now >= end_) return false;
    for (; !free_.empty() && next_due_ <= now; free_.pop_back()) {
      free_.back()->Ask(closed_loop() ? now : next_due_);
      if (!closed_loop()) next_due_ += Length(1 / rate_);
    }
    return true;
  }

  void TakeAnswer() {
    void* tag = nullptr;
    bool ok = false;
    // Without a free client the next answer is what everything waits for.
    const Clock::duration wait = free_.empty() ? end_ - Clock::now() + std::chrono::minutes(1)
                                               : std::min(next_due_, end_) - Clock::now();
    const auto deadline = std::chrono::system_clock::now() + wait;
    if (queue_.AsyncNext(&tag, &ok, deadline) != grpc::CompletionQueue::GOT_EVENT) return;
    auto* client = static_cast<Client*>(tag);
    free_.push_back(client);
    if (!client->status().ok()) return Fail(client->status());
    const Clock::time_point now = Clock::now();
    if (now < start_ || now >= end_) return;
    if (micros_.empty()) cpu_at_start_ = CpuSeconds();
    micros_.push_back(static_cast<float>(Seconds(now - client->due()) * 1e6));
  }

  void Fail(const grpc::Status& why) {
    if (!std::exchange(failed_, true)) {
      absl::FPrintF(stderr, "load: %s: %s\n", name_, why.error_message());
    }
  }

  bool closed_loop() const { return rate_ <= 0; }

  const std::string name_;
  const std::vector<std::unique_ptr<KV::Stub>> stubs_;
  grpc::CompletionQueue queue_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::vector<Client*> free_;
  const double rate_ = absl::GetFlag(FLAGS_rate);
  const Clock::time_point start_ = Clock::now() + Length(absl::GetFlag(FLAGS_warm_up_seconds));
  const Clock::time_point end_ = start_ + Length(absl::GetFlag(FLAGS_seconds));
  Clock::time_point next_due_ = Clock::now();
  double cpu_at_start_ = 0;
  std::vector<float> micros_;  // Of what was answered between start and end.
  bool failed_ = false;
};

int Main() {
  const std::string disk = absl::GetFlag(FLAGS_disk);
  if (!disk.empty() && !MeasureDisk(disk)) return 1;
  for (const std::string& name : absl::GetFlag(FLAGS_workloads)) {
    const Workload workload = name == "put"   ? Workload::kPut
                              : name == "get" ? Workload::kGet
                                              : Workload::kSerializableGet;
    if (workload == Workload::kSerializableGet && name != "sget") {
      std::fprintf(stderr, "load: unknown workload %s\n", name.c_str());
      return 2;
    }
    for (const std::string& text : absl::GetFlag(FLAGS_clients)) {
      int clients = 0;
      if (!absl::SimpleAtoi(text, &clients) || clients < 1) {
        std::fprintf(stderr, "load: bad number of clients: %s\n", text.c_str());
        return 2;
      }
      Run run(workload, name, clients);
      const bool succeeded = run.Execute();
      run.Print();
      if (!succeeded) return 1;
    }
  }
  return 0;
}

}  // namespace
}  // namespace raftexample

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("puts and reads per second of anything that speaks etcd's API");
  const std::vector<char*> rest = absl::ParseCommandLine(argc, argv);
  if (rest.size() > 1) {
    std::fprintf(stderr, "load: unexpected argument %s\n", rest[1]);
    return 2;
  }
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  return raftexample::Main();
}
