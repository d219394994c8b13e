#include "examples/raftexample/troubles/networks.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace raftexample {
namespace {

// ip(8) with these arguments.
absl::Status Ip(const std::string& arguments) {
  FILE* output = popen(absl::StrCat("ip ", arguments, " 2>&1").c_str(), "re");
  if (output == nullptr) return absl::UnavailableError("no shell");
  std::string said;
  char buffer[256];
  while (size_t n = fread(buffer, 1, sizeof(buffer), output)) said.append(buffer, n);
  if (pclose(output) == 0) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("ip ", arguments, ": ", said));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Networks>> Networks::Create(int members) {
  if (geteuid() != 0) return absl::PermissionDeniedError("network namespaces need root");
  auto networks = absl::WrapUnique(new Networks(members));
  if (absl::Status built = networks->Build(); !built.ok()) return built;
  return networks;
}

Networks::Networks(int members)
    : members_(members), prefix_(absl::StrCat("rt", getpid())), subnet_(getpid() % 250) {}

Networks::~Networks() {
  for (int i = 0; i < members_; ++i) Ip("netns del " + NameOf(i)).IgnoreError();
  Ip("link del " + prefix_).IgnoreError();
}

std::string Networks::NameOf(int member) const { return absl::StrCat(prefix_, "m", member); }

std::string Networks::AddressOf(int member) const {
  return absl::StrCat("10.77.", subnet_, ".", member + 2);
}

absl::Status Networks::Build() {
  std::vector<std::string> steps = {
      absl::StrCat("link add ", prefix_, " type bridge"),
      absl::StrCat("addr add 10.77.", subnet_, ".1/24 dev ", prefix_),
      absl::StrCat("link set ", prefix_, " up"),
  };
  for (int i = 0; i < members_; ++i) {
    const std::string name = NameOf(i);
    steps.push_back("netns add " + name);
    steps.push_back(absl::StrCat("link add ", name, " type veth peer name eth0 netns ", name));
    steps.push_back(absl::StrCat("link set ", name, " master ", prefix_, " up"));
    steps.push_back(absl::StrCat("-n ", name, " addr add ", AddressOf(i), "/24 dev eth0"));
    steps.push_back(absl::StrCat("-n ", name, " link set eth0 up"));
    steps.push_back(absl::StrCat("-n ", name, " link set lo up"));
  }
  for (const std::string& step : steps) {
    if (absl::Status done = Ip(step); !done.ok()) return done;
  }
  return absl::OkStatus();
}

void Networks::Enter(int member) const {
  const int fd = open(absl::StrCat("/run/netns/", NameOf(member)).c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0 || setns(fd, CLONE_NEWNET) != 0) {
    std::perror("cannot enter a network namespace");
    _exit(126);
  }
}

void Networks::Cut(int from, int to) {
  const absl::Status cut =
      Ip(absl::StrCat("-n ", NameOf(from), " route add blackhole ", AddressOf(to)));
  if (cut.ok()) {
    cuts_.push_back({from, to});
  } else {
    std::fprintf(stderr, "troubles: %s\n", std::string(cut.message()).c_str());
  }
}

void Networks::HealAll() {
  for (const auto& [from, to] : std::exchange(cuts_, {})) {
    Ip(absl::StrCat("-n ", NameOf(from), " route del blackhole ", AddressOf(to))).IgnoreError();
  }
}

}  // namespace raftexample
