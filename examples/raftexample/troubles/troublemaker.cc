#include "examples/raftexample/troubles/troublemaker.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace raftexample {

absl::StatusOr<Trouble> TroubleNamed(absl::string_view name) {
  if (name == "kill") return Trouble::kKill;
  if (name == "pause") return Trouble::kPause;
  if (name == "partition") return Trouble::kPartition;
  if (name == "slow_disk") return Trouble::kSlowDisk;
  return absl::InvalidArgumentError(
      absl::StrCat("no trouble is called ", name, "; kill, pause, partition and slow_disk are"));
}

bool Troublemaker::Make(Trouble trouble) {
  switch (trouble) {
    case Trouble::kKill: return Kill();
    case Trouble::kPause: return Pause();
    case Trouble::kPartition: return Partition();
    case Trouble::kSlowDisk: return SlowDisk();
  }
  return false;
}

bool Troublemaker::Kill() {
  const int leader = members_.Leader();
  const int first = Victim(leader);
  const int dice = random_() % 10;
  const int victims = dice == 0 ? members_.size() : dice == 1 ? 2 : 1;
  for (int n = 0; n < victims; ++n) members_.Kill((first + n) % members_.size());
  Last(0, 100);
  for (int n = 0; n < victims; ++n) members_.Start((first + n) % members_.size());
  const absl::Time start = absl::Now();
  if (!members_.AwaitServing(first)) return false;
  if (victims == 1) {
    (first == leader ? killed_leaders_ : killed_followers_).Add(absl::Now() - start);
  }
  return members_.AwaitAllServing();
}

// The leader wakes up and does not know yet that it is none any more.
bool Troublemaker::Pause() {
  const int victim = Victim(members_.Leader());
  members_.Stop(victim);
  Last(200, 4000);
  members_.Continue(victim);
  return AwaitAfter(paused_);
}

bool Troublemaker::Partition() {
  CutLines(Victim(members_.Leader()));
  Last(500, 4000);
  networks_->HealAll();
  return AwaitAfter(cut_off_);
}

bool Troublemaker::SlowDisk() {
  const int victim = Victim(members_.Leader());
  members_.SlowDisk(victim, std::chrono::milliseconds(20 + random_() % 1000));
  Last(500, 4000);
  members_.SlowDisk(victim, std::chrono::milliseconds(0));
  return AwaitAfter(slow_);
}

int Troublemaker::Victim(int leader) {
  return random_() % 3 != 0 ? leader : static_cast<int>(random_() % members_.size());
}

void Troublemaker::CutLines(int victim) {
  const int kind = random_() % 4;  // Deaf, mute, both, or cut off from one other only.
  const int other = (victim + 1) % members_.size();
  for (int peer = 0; peer < members_.size(); ++peer) {
    if (peer == victim || (kind == 3 && peer != other)) continue;
    if (kind != 0) networks_->Cut(victim, peer);
    if (kind != 1) networks_->Cut(peer, victim);
  }
}

void Troublemaker::Last(int at_least_millis, int at_most_millis) {
  const uint64_t span = at_most_millis - at_least_millis + 1;
  absl::SleepFor(absl::Milliseconds(at_least_millis + random_() % span));
}

bool Troublemaker::AwaitAfter(Times& times) {
  const absl::Time start = absl::Now();
  if (!members_.AwaitAllServing()) return false;
  times.Add(absl::Now() - start);
  return true;
}

void Troublemaker::PrintTimes() {
  killed_followers_.Print("a killed follower's start to its first linearizable read");
  killed_leaders_.Print("the same of a leader, which has others elect a new one");
  paused_.Print("the end of a pause until all serve");
  cut_off_.Print("the end of a partition until all serve");
  slow_.Print("the end of slow syncs until all serve");
}

void Troublemaker::Times::Print(const char* what) {
  if (millis_.empty()) return;
  std::sort(millis_.begin(), millis_.end());
  std::printf("%s: %zu times, p50 %.0f ms, p99 %.0f ms\n", what, millis_.size(),
              millis_[millis_.size() / 2], millis_[millis_.size() * 99 / 100]);
}

}  // namespace raftexample
