// How fast the log is, beside a bare pwrite and fdatasync of the same bytes to the same kind of
// file, taken in turn with each batch, each first every other time, so that both meet the same
// disk.
//
//   bazel run -c opt //storage:storage_benchmark [-- --benchmark_filter=...]
//
// Files go to $STORAGE_BENCHMARK_DIR, else to $TEST_TMPDIR, else to /var/tmp. Time is that of the
// log; counters: `of_bare` is the median time of the bare loop divided by the median time of the
// log (1: as fast, above: faster; a median, because whoever else uses the machine is seen in the
// slowest), `bare_us` and `log_us` are the medians, `allocs_per_op` counts operator new inside of
// LogStore::Write. A batch that allocates once the log has run for a while is an error.

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

constexpr size_t kWarmUp = 100;  // Batches until nothing needs to grow any more.

// One batch: `count` entries of `payload_bytes`, spread over `groups`, the same number for each.
void AppendBatches(benchmark::State& state, size_t payload_bytes, size_t count, size_t groups) {
  const std::string directory = FreshDirectory("append");
  const uint64_t segment_bytes = std::max<uint64_t>(64 << 20, payload_bytes * count * 4);
  std::unique_ptr<LogStore> log = NewLog(directory, segment_bytes);
  BareFile bare(directory, segment_bytes);
  const absl::Cord payload = absl::MakeCordFromExternal(
      *new std::string(payload_bytes, 'x'), [] {});  // As it comes from the network: one piece.

  LogBatch batch;
  LogBatch compaction;
  std::vector<raftpb::EntryList> lists(groups);
  std::string bytes;
  raft::Index next = 1;
  std::vector<double> log_seconds;  // Without the beginning of segments.
  std::vector<double> bare_seconds;
  size_t counted = 0;
  size_t batches = 0;
  const size_t per_group = count / groups;
  for (auto _ : state) {
    batch.Clear();
    for (size_t group = 0; group < groups; ++group) {
      raftpb::EntryList& list = lists[group];
      list = raftpb::EntryList();
      list.Reserve(per_group);
      for (size_t i = 0; i < per_group; ++i) {
        raftpb::Entry entry;
        entry.term = 1;
        entry.index = next + i;
        entry.data = payload;
        list.PushBack(std::move(entry));
      }
      batch.Append(group, list);
    }
    next += per_group;
    const bool bare_first = batches % 2 == 1;  // As many bytes as the batch before.
    if (bare_first) bare_seconds.push_back(bare.Write(bytes));
    const uint64_t written_before = log->stats().bytes_written;
    const size_t segments_before = log->stats().segments;
    const size_t allocations_before = allocations;
    const Clock::time_point start = Clock::now();
    const absl::Status status = log->Write(batch);
    const double seconds = SecondsSince(start);
    const size_t allocated = allocations - allocations_before;
    if (!status.ok()) {
      state.SkipWithError(std::string(status.message()).c_str());
      break;
    }
    state.SetIterationTime(seconds);
    ++batches;
    if (log->stats().segments == segments_before) {
      log_seconds.push_back(seconds);
      bytes.resize(log->stats().bytes_written - written_before, 'y');
      if (batches > kWarmUp) counted += allocated;
    }
    if (!bare_first) bare_seconds.push_back(bare.Write(bytes));
    // A state machine that keeps up: the log stays short.
    if (batches % 64 == 0) {
      compaction.Clear();
      for (size_t group = 0; group < groups; ++group) compaction.Compact(group, next - 1);
      (void)log->Stage(compaction);
    }
  }
  const double entries = static_cast<double>(state.iterations()) * static_cast<double>(count);
  state.SetItemsProcessed(static_cast<int64_t>(entries));
  state.SetBytesProcessed(static_cast<int64_t>(entries * static_cast<double>(payload_bytes)));
  state.counters["of_bare"] = Median(bare_seconds) / Median(log_seconds);
  state.counters["bare_us"] = Median(bare_seconds) * 1e6;
  state.counters["log_us"] = Median(log_seconds) * 1e6;
  const size_t steady = batches > kWarmUp ? batches - kWarmUp : 1;
  state.counters["allocs_per_op"] = static_cast<double>(counted) / static_cast<double>(steady);
  // Vectors that grow do so ever more rarely.
  if (counted > 2 + steady / 20) state.SkipWithError("appending allocates");
  state.counters["disk_bytes_per_op"] = static_cast<double>(bytes.size());
  log.reset();
  std::filesystem::remove_all(directory);
}

void BM_Append(benchmark::State& state) {
  AppendBatches(state, static_cast<size_t>(state.range(0)), static_cast<size_t>(state.range(1)), 1);
}
BENCHMARK(BM_Append)
    ->ArgNames({"payload", "per_sync"})
    ->ArgsProduct({{128, 4096, 1 << 20}, {1, 64, 1024}})
    ->UseManualTime();

void BM_AppendManyGroups(benchmark::State& state) {
  const size_t groups = static_cast<size_t>(state.range(0));
  AppendBatches(state, 128, groups, groups);
}
BENCHMARK(BM_AppendManyGroups)->ArgName("groups")->Arg(64)->Arg(1024)->UseManualTime();

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
  for (auto _ : state) {
    log.reset();
    auto opened = LogStore::Open(PosixFileSystem(), JoinPath(directory, "log"), options);
    if (!opened.ok() || (*opened)->LastIndex(1) != next - 1) std::abort();
    log = *std::move(opened);
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
