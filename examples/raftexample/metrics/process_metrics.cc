#include "examples/raftexample/metrics/process_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>

namespace raftexample {
namespace {

std::string ReadAll(const char* path) {
  std::ifstream file(path);
  std::stringstream content;
  content << file.rdbuf();
  return content.str();
}

// When the machine was started, in seconds of Unix time.
double BootTime() {
  const std::string all = ReadAll("/proc/stat");
  const size_t found = all.find("\nbtime ");
  return found == std::string::npos ? 0 : std::strtod(all.c_str() + found + 7, nullptr);
}

double OpenFiles() {
  std::error_code failed;
  const std::filesystem::directory_iterator files("/proc/self/fd", failed);
  return failed ? 0 : static_cast<double>(std::distance(begin(files), end(files)));
}

double MaxFiles() {
  rlimit limit = {};
  getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur == RLIM_INFINITY ? std::numeric_limits<double>::infinity()
                                         : static_cast<double>(limit.rlim_cur);
}

}  // namespace

// Reads the fields of /proc/self/stat behind the process's name, the first of which has number 3 in
// proc(5).
ProcessUse UseOfProcess() {
  ProcessUse use;
  const std::string line = ReadAll("/proc/self/stat");
  const size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return use;
  std::istringstream words(line.substr(name_end + 1));
  const double ticks_per_second = static_cast<double>(std::max(sysconf(_SC_CLK_TCK), 1L));
  std::string word;
  for (int field = 3; field <= 24 && words >> word; ++field) {
    const uint64_t number = std::strtoull(word.c_str(), nullptr, 10);
    switch (field) {
      case 14:  // Ticks in user mode,
      case 15:  // and in system mode.
        use.cpu_seconds += static_cast<double>(number) / ticks_per_second;
        break;
      case 20: use.threads = number; break;
      case 22: use.start_time = BootTime() + static_cast<double>(number) / ticks_per_second; break;
      case 23: use.virtual_bytes = number; break;
      case 24: use.resident_bytes = number * static_cast<uint64_t>(getpagesize()); break;
      default: break;
    }
  }
  return use;
}

Families ProcessMetrics::Collect() const {
  const ProcessUse use = UseOfProcess();
  FamilyList list;
  list.Counter("process_cpu_seconds_total", "Processor time spent, in user and in system mode.",
               use.cpu_seconds);
  list.Gauge("process_max_fds", "Limit of open file descriptors.", MaxFiles());
  list.Gauge("process_open_fds", "Open file descriptors.", OpenFiles());
  list.Gauge("process_resident_memory_bytes", "Memory in use.",
             static_cast<double>(use.resident_bytes));
  list.Gauge("process_start_time_seconds", "When the process was started, in Unix time.",
             use.start_time);
  list.Gauge("process_threads", "Threads of the process.", static_cast<double>(use.threads));
  list.Gauge("process_virtual_memory_bytes", "Address space in use.",
             static_cast<double>(use.virtual_bytes));
  return list.Take();
}

}  // namespace raftexample
