// How fast the log is, beside a bare pwrite and fdatasync of the same bytes to the same kind of
// file: one batch of the log, one of the bare loop, each first every other time, so that both meet
// the same disk.
//
//   bazel run -c opt //storage:storage_benchmark [-- --benchmark_filter=...]
//
// Files go to $STORAGE_BENCHMARK_DIR, else to $TEST_TMPDIR, else to /var/tmp. Time is that of the
// log. Counters: `of_bare` is how long the bare loop took, divided by how long the log took, the
// median of all neighbours (1: as fast, above: faster; whoever else uses the disk is seen by both
// or is an outlier). `log_us` and `bare_us` are medians, too; `allocs_per_op` counts operator new
// inside of LogStore::Write. Batches that begin a segment are left out of all of these. A log that
// goes on allocating when it has run for a while is an error.

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "benchmark/benchmark.h"
#include "storage/log_store.h"
#include "storage/posix_file_system.h"

namespace {
std::atomic<size_t> allocations = 0;
}  // namespace

__attribute__((noinline)) void* operator new(size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* memory = std::malloc(size)) return memory;
  std::abort();
}
__attribute__((noinline)) void operator delete(void* memory) noexcept { std::free(memory); }
__attribute__((noinline)) void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace storage {
namespace {

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double Median(std::vector<double> of) {
  if (of.empty()) return 0;
  const auto middle = of.begin() + static_cast<ptrdiff_t>(of.size() / 2);
  std::nth_element(of.begin(), middle, of.end());
  return *middle;
}

std::string FreshDirectory(const char* name) {
  const char* root = std::getenv("STORAGE_BENCHMARK_DIR");
  if (root == nullptr) root = std::getenv("TEST_TMPDIR");
  const std::string path =
      absl::StrCat(root == nullptr ? "/var/tmp" : root, "/storage_benchmark_", getpid(), "_", name);
  std::filesystem::remove_all(path);
  std::filesystem::create_directories(path);
  return path;
}

// The least that can be done: preallocated files, written from front to back, synced each time.
class BareFile {
 public:
  BareFile(std::string directory, size_t file_bytes)
      : directory_(std::move(directory)), file_bytes_(file_bytes) {}
  ~BareFile() { Close(); }

  double Write(const std::string& bytes) {
    if (fd_ < 0 || offset_ + bytes.size() > std::max(file_bytes_, bytes.size()))
      Begin(bytes.size());
    const Clock::time_point start = Clock::now();
    for (size_t done = 0; done < bytes.size();) {
      const ssize_t n = ::pwrite(fd_, bytes.data() + done, bytes.size() - done,
                                 static_cast<off_t>(offset_ + done));
      if (n <= 0) std::abort();
      done += static_cast<size_t>(n);
    }
    if (::fdatasync(fd_) != 0) std::abort();
    offset_ += bytes.size();
    return SecondsSince(start);
  }

 private:
  void Begin(size_t least) {
    Close();
    const std::string path = JoinPath(directory_, "bare");
    fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (fd_ < 0 || ::fallocate(fd_, 0, 0, static_cast<off_t>(std::max(file_bytes_, least))) != 0 ||
        ::fsync(fd_) != 0) {
      std::abort();
    }
    offset_ = 0;
  }
  void Close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

  const std::string directory_;
  const size_t file_bytes_;
  int fd_ = -1;
  size_t offset_ = 0;
};

std::unique_ptr<LogStore> NewLog(const std::string& directory, uint64_t segment_bytes) {
  LogOptions options;
  options.identity = {1, 1};
  options.segment_bytes = segment_bytes;
  options.cache_bytes = 64 << 20;
  auto log = LogStore::Create(PosixFileSystem(), JoinPath(directory, "log"), options);
  if (!log.ok()) std::abort();
  return *std::move(log);
}

struct Shape {
  size_t payload_bytes = 0;
  size_t entries = 0;  // In a batch, the same number for each group.
  size_t groups = 1;

  size_t batch_bytes() const { return payload_bytes * entries; }
};

// The log and the bare loop, in turn.
class Contest {
 public:
  Contest(const Shape& shape, size_t warm_up)
      : shape_(shape),
        warm_up_(warm_up),
        directory_(FreshDirectory("append")),
        segment_bytes_(std::max<uint64_t>(64 << 20, shape.batch_bytes() * 4)),
        log_(NewLog(directory_, segment_bytes_)),
        bare_(directory_, segment_bytes_),
        // As it comes from the network: one piece.
        payload_(absl::MakeCordFromExternal(*new std::string(shape.payload_bytes, 'x'), [] {})) {}
  ~Contest() {
    log_.reset();
    std::filesystem::remove_all(directory_);
  }

  // A batch for each; returns what it took the log, in seconds.
  absl::StatusOr<double> Turn() {
    FillBatch();
    const bool bare_first = turns_++ % 2 == 1;  // As many bytes as the batch before.
    const size_t bare_bytes = bytes_.size();
    double bare_seconds = 0;
    if (bare_first) bare_seconds = bare_.Write(bytes_);

    const LogStats before = log_->stats();
    const size_t allocations_before = allocations;
    const Clock::time_point start = Clock::now();
    if (absl::Status s = log_->Write(batch_); !s.ok()) return s;
    const double log_seconds = SecondsSince(start);
    const size_t allocated = allocations - allocations_before;
    const LogStats after = log_->stats();

    const bool began_segment = after.segments_begun != before.segments_begun;
    if (!began_segment) bytes_.resize(after.bytes_written - before.bytes_written, 'y');
    if (!bare_first) bare_seconds = bare_.Write(bytes_);
    const bool alike = !bare_first || bare_bytes == bytes_.size();
    if (!began_segment && alike) Note(log_seconds, bare_seconds, allocated);
    if (turns_ % 64 == 0) Compact();
    return log_seconds;
  }

  void Report(benchmark::State& state) const {
    const double entries =
        static_cast<double>(state.iterations()) * static_cast<double>(shape_.entries);
    state.SetItemsProcessed(static_cast<int64_t>(entries));
    state.SetBytesProcessed(
        static_cast<int64_t>(entries * static_cast<double>(shape_.payload_bytes)));
    state.counters["of_bare"] = Median(of_bare_);
    state.counters["bare_us"] = Median(bare_seconds_) * 1e6;
    state.counters["log_us"] = Median(log_seconds_) * 1e6;
    state.counters["allocs_per_op"] =
        steady_ == 0 ? 0 : static_cast<double>(allocated_) / static_cast<double>(steady_);
    state.counters["disk_bytes_per_op"] = static_cast<double>(bytes_.size());
    // Vectors that grow do so ever more rarely; a group whose entries have filled a chunk in memory
    // makes a list of chunks.
    if (allocated_ > 2 + steady_ * shape_.groups / 20) state.SkipWithError("appending allocates");
  }

 private:
  // Slices of the groups' own logs, as the core hands them out.
  void FillBatch() {
    batch_.Clear();
    const size_t per_group = shape_.entries / shape_.groups;
    for (size_t group = 0; group < shape_.groups; ++group) {
      raftpb::EntryList& log = logs_[group];
      for (size_t i = 0; i < per_group; ++i) {
        raftpb::Entry entry;
        entry.term = 1;
        entry.index = next_ + i;
        entry.data = payload_;
        log.PushBack(std::move(entry));
      }
      batch_.Append(group, log.Slice(log.size() - per_group, log.size()));
    }
    next_ += per_group;
  }

  void Note(double log_seconds, double bare_seconds, size_t allocated) {
    log_seconds_.push_back(log_seconds);
    bare_seconds_.push_back(bare_seconds);
    of_bare_.push_back(bare_seconds / log_seconds);
    if (turns_ <= warm_up_) return;
    ++steady_;
    allocated_ += allocated;
  }

  // State machines that keep up: the logs stay short.
  void Compact() {
    batch_.Clear();
    for (size_t group = 0; group < shape_.groups; ++group) {
      logs_[group].DropFront(logs_[group].size());
      batch_.Compact(group, next_ - 1);
    }
    if (!log_->Stage(batch_).ok()) std::abort();
  }

  const Shape shape_;
  const size_t warm_up_;  // Turns until nothing needs to grow any more.
  const std::string directory_;
  const uint64_t segment_bytes_;
  std::unique_ptr<LogStore> log_;
  BareFile bare_;
  const absl::Cord payload_;

  LogBatch batch_;
  std::vector<raftpb::EntryList> logs_ = std::vector<raftpb::EntryList>(shape_.groups);
  std::string bytes_;  // What the bare loop writes.
  raft::Index next_ = 1;
  size_t turns_ = 0;

  std::vector<double> log_seconds_;
  std::vector<double> bare_seconds_;
  std::vector<double> of_bare_;
  size_t steady_ = 0;  // Turns after the warm-up.
  size_t allocated_ = 0;
};

void AppendBatches(benchmark::State& state, const Shape& shape) {
  Contest contest(shape, std::min<size_t>(100, static_cast<size_t>(state.max_iterations) / 2));
  for (auto _ : state) {
    const absl::StatusOr<double> seconds = contest.Turn();
    if (!seconds.ok()) {
      state.SkipWithError(std::string(seconds.status().message()).c_str());
      break;
    }
    state.SetIterationTime(*seconds);
  }
  contest.Report(state);
}

void BM_Append(benchmark::State& state) {
  AppendBatches(state,
                {static_cast<size_t>(state.range(0)), static_cast<size_t>(state.range(1)), 1});
}
// As many turns as are worth something beside a disk that others use, and not much more than 8 GiB.
BENCHMARK(BM_Append)
    ->ArgNames({"payload", "per_sync"})
    ->ArgsProduct({{128, 4096}, {1, 64, 1024}})
    ->Args({1 << 20, 1})
    ->Iterations(1000)
    ->UseManualTime()
    ->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_Append)
    ->ArgNames({"payload", "per_sync"})
    ->Args({1 << 20, 64})
    ->Iterations(60)
    ->UseManualTime()
    ->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_Append)
    ->ArgNames({"payload", "per_sync"})
    ->Args({1 << 20, 1024})
    ->Iterations(6)
    ->UseManualTime()
    ->Unit(benchmark::kMicrosecond);

// All groups at once, an entry of each in every batch.
void BM_AppendManyGroups(benchmark::State& state) {
  const size_t groups = static_cast<size_t>(state.range(1));
  AppendBatches(state, {static_cast<size_t>(state.range(0)), groups, groups});
}
BENCHMARK(BM_AppendManyGroups)
    ->ArgNames({"payload", "groups"})
    ->ArgsProduct({{128, 4096}, {64, 1024}})
    ->Iterations(1000)
    ->UseManualTime()
    ->Unit(benchmark::kMicrosecond);

// Opening a log of 1 GiB whose pages are in memory.
void BM_Recover(benchmark::State& state) {
  const std::string directory = FreshDirectory("recover");
  std::unique_ptr<LogStore> log = NewLog(directory, 64 << 20);
  const size_t payload_bytes = static_cast<size_t>(state.range(0));
  const size_t count = (4 << 20) / payload_bytes;
  const absl::Cord payload(std::string(payload_bytes, 'x'));
  raft::Index next = 1;
  while (log->stats().bytes_written < uint64_t{1} << 30) {
    raftpb::EntryList list;
    for (size_t i = 0; i < count; ++i) {
      raftpb::Entry entry;
      entry.term = 1;
      entry.index = next++;
      entry.data = payload;
      list.PushBack(std::move(entry));
    }
    LogBatch batch;
    batch.Append(1, list);
    if (!log->Write(batch).ok()) std::abort();
  }
  const LogOptions options = log->options();
  const uint64_t bytes = log->stats().bytes_written;
  const auto reopen = [&] {
    log.reset();
    auto opened = LogStore::Open(PosixFileSystem(), JoinPath(directory, "log"), options);
    if (!opened.ok() || (*opened)->LastIndex(1) != next - 1) {
      state.SkipWithError(opened.ok() ? "the log has lost its end"
                                      : std::string(opened.status().message()).c_str());
      return false;
    }
    log = *std::move(opened);
    return true;
  };
  if (!reopen()) return;  // What was written past the page cache is there now.
  for (auto _ : state) {
    if (!reopen()) return;
  }
  state.SetBytesProcessed(static_cast<int64_t>(bytes) * static_cast<int64_t>(state.iterations()));
  log.reset();
  std::filesystem::remove_all(directory);
}
BENCHMARK(BM_Recover)
    ->ArgName("payload")
    ->Arg(128)
    ->Arg(4096)
    ->Arg(1 << 20)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace storage

BENCHMARK_MAIN();
