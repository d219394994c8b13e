#include "rafttest/faults.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "raftpb/message.h"

namespace rafttest {
namespace {

// Of which a run may have one that is always late.
constexpr raftpb::MessageType kSlowTypes[] = {
    raftpb::MessageType::kApp,       raftpb::MessageType::kAppResp,
    raftpb::MessageType::kHeartbeat, raftpb::MessageType::kVoteResp,
    raftpb::MessageType::kReadIndex, raftpb::MessageType::kHeartbeatResp,
    raftpb::MessageType::kSnap,      raftpb::MessageType::kTimeoutNow};

// Zero half of the time, else between the bounds.
double SometimesBetween(Random& random, double low, double high) {
  if (random.Chance(0.5)) return 0;
  return low + random.Unit() * (high - low);
}

}  // namespace

Faults Faults::Draw(Random& random) {
  Faults f;
  f.drop = SometimesBetween(random, 0.01, 0.3);
  f.duplicate = SometimesBetween(random, 0.01, 0.5);
  f.replay_old = SometimesBetween(random, 0.001, 0.05);
  f.delay = random.Chance(0.5) ? kTick / 4.0 : kTick * (0.1 + 10 * random.Unit() * random.Unit());
  f.heavy_tail = SometimesBetween(random, 0.001, 0.02);
  f.lose_report = SometimesBetween(random, 0.1, 0.9);

  f.partition_every = SometimesBetween(random, 30, 400);
  f.partition_lasts = 10 + random.Unit() * 100;
  f.crash_every = SometimesBetween(random, 20, 400);
  f.crash_lasts = random.Unit() * 60;
  f.crash_all_every = random.Chance(0.8) ? 0 : 200 + random.Unit() * 800;
  f.pause_every = SometimesBetween(random, 50, 400);
  f.pause_lasts = 5 + random.Unit() * 50;
  f.transfer_every = SometimesBetween(random, 20, 300);
  f.campaign_every = SometimesBetween(random, 30, 300);
  f.membership_every = SometimesBetween(random, 20, 200);
  f.propose_every = 0.5 + random.Unit() * 10;
  f.read_every = SometimesBetween(random, 0.3, 20);

  f.write_takes = SometimesBetween(random, 0.01, 3);
  f.apply_takes = SometimesBetween(random, 0.01, 5);
  f.torn_write = SometimesBetween(random, 0.1, 0.9);
  f.kept_write = random.Unit();
  f.ready_delay = random.Chance(0.8) ? 0 : random.Unit() * 5;
  f.clock_skew = SometimesBetween(random, 0.1, 1);

  f.pre_vote = random.Chance(0.7);
  f.check_quorum = random.Chance(0.7);
  f.mixed_votes = random.Chance(0.1);
  f.async_writes = random.Chance(0.4);
  f.immediate_sends = !f.async_writes && random.Chance(0.2);
  f.election_tick = static_cast<uint32_t>(random.Between(5, 20));
  f.max_inflight_msgs = static_cast<uint32_t>(random.Chance(0.5) ? 256 : random.Between(1, 8));
  f.max_size_per_msg = random.Chance(0.6) ? 1 << 20 : random.Between(0, 200);
  f.max_committed_size = random.Chance(0.6) ? 0 : random.Between(20, 500);
  f.max_uncommitted_size = random.Chance(0.7) ? 0 : random.Between(16, 400);
  f.compact_every = random.Chance(0.4) ? 0 : static_cast<uint32_t>(random.Between(5, 100));
  f.entries_kept = random.Chance(0.5) ? 0 : static_cast<uint32_t>(random.Between(1, 50));
  if (random.Chance(0.2)) f.max_inflight_bytes = f.max_size_per_msg + random.Between(0, 200);
  f.payload_bytes = static_cast<uint32_t>(random.Chance(0.7) ? 8 : random.Between(8, 64));
  f.forged = random.Chance(0.8) ? 0 : 0.01 + random.Unit() * 0.1;
  f.slow_type = random.Chance(0.8)
                    ? 0
                    : static_cast<uint32_t>(kSlowTypes[random.Below(std::size(kSlowTypes))]);
  f.slow_disk = random.Chance(0.8) ? 1 : 1 + random.Unit() * 30;
  return f;
}

void Faults::DrawDisk(Random& random) {
  disk_error = random.Chance(0.6) ? 0 : 0.0001 + 0.003 * random.Unit();
  disk_full = random.Chance(0.7) ? 0 : 0.0001 + 0.02 * random.Unit();
  disk_short = SometimesBetween(random, 0.001, 0.1);
  power_cut = random.Chance(0.6) ? 0 : 0.0005 + 0.005 * random.Unit();
  process_dies = random.Unit();
  rot = SometimesBetween(random, 0.2, 1);
}

namespace {

struct Parameter {
  absl::string_view name;
  std::variant<double Faults::*, bool Faults::*, uint32_t Faults::*, uint64_t Faults::*> member;
};

constexpr Parameter kParameters[] = {
    {"drop", &Faults::drop},
    {"duplicate", &Faults::duplicate},
    {"replay_old", &Faults::replay_old},
    {"delay", &Faults::delay},
    {"heavy_tail", &Faults::heavy_tail},
    {"forged", &Faults::forged},
    {"slow_type", &Faults::slow_type},
    {"lose_report", &Faults::lose_report},
    {"partition_every", &Faults::partition_every},
    {"partition_lasts", &Faults::partition_lasts},
    {"crash_every", &Faults::crash_every},
    {"crash_lasts", &Faults::crash_lasts},
    {"crash_all_every", &Faults::crash_all_every},
    {"pause_every", &Faults::pause_every},
    {"pause_lasts", &Faults::pause_lasts},
    {"transfer_every", &Faults::transfer_every},
    {"campaign_every", &Faults::campaign_every},
    {"membership_every", &Faults::membership_every},
    {"propose_every", &Faults::propose_every},
    {"read_every", &Faults::read_every},
    {"write_takes", &Faults::write_takes},
    {"slow_disk", &Faults::slow_disk},
    {"apply_takes", &Faults::apply_takes},
    {"torn_write", &Faults::torn_write},
    {"kept_write", &Faults::kept_write},
    {"ready_delay", &Faults::ready_delay},
    {"disk_error", &Faults::disk_error},
    {"disk_full", &Faults::disk_full},
    {"disk_short", &Faults::disk_short},
    {"power_cut", &Faults::power_cut},
    {"process_dies", &Faults::process_dies},
    {"rot", &Faults::rot},
    {"clock_skew", &Faults::clock_skew},
    {"pre_vote", &Faults::pre_vote},
    {"check_quorum", &Faults::check_quorum},
    {"mixed_votes", &Faults::mixed_votes},
    {"async_writes", &Faults::async_writes},
    {"immediate_sends", &Faults::immediate_sends},
    {"lease_reads", &Faults::lease_reads},
    {"election_tick", &Faults::election_tick},
    {"max_inflight_msgs", &Faults::max_inflight_msgs},
    {"max_size_per_msg", &Faults::max_size_per_msg},
    {"max_inflight_bytes", &Faults::max_inflight_bytes},
    {"max_committed_size", &Faults::max_committed_size},
    {"max_uncommitted_size", &Faults::max_uncommitted_size},
    {"compact_every", &Faults::compact_every},
    {"entries_kept", &Faults::entries_kept},
    {"payload_bytes", &Faults::payload_bytes},
};

// The shortest text that stands for exactly this number.
std::string Text(double value) {
  char text[32];
  const std::to_chars_result end = std::to_chars(std::begin(text), std::end(text), value);
  return std::string(text, end.ptr);
}
template <typename Integer>
std::string Text(Integer value) {
  return absl::StrCat(value);
}

template <typename Number>
bool ParseNumber(absl::string_view text, Number& value) {
  const std::from_chars_result end = std::from_chars(text.data(), text.data() + text.size(), value);
  return end.ec == std::errc() && end.ptr == text.data() + text.size();
}
bool ParseNumber(absl::string_view text, bool& value) {
  value = text == "1";
  return text == "0" || text == "1";
}

}  // namespace

std::string Faults::Describe() const {
  const Faults calm;
  std::vector<std::string> parts;
  for (const Parameter& parameter : kParameters) {
    std::visit(
        [&](auto member) {
          if (this->*member == calm.*member) return;
          parts.push_back(absl::StrCat(parameter.name, "=", Text(this->*member)));
        },
        parameter.member);
  }
  return absl::StrJoin(parts, ",");
}

absl::StatusOr<Faults> Faults::Parse(absl::string_view text) {
  Faults faults;
  for (absl::string_view part : absl::StrSplit(text, ',', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> given =
        absl::StrSplit(part, absl::MaxSplits('=', 1));
    const auto known =
        std::find_if(std::begin(kParameters), std::end(kParameters),
                     [&](const Parameter& parameter) { return parameter.name == given.first; });
    if (known == std::end(kParameters)) {
      return absl::InvalidArgumentError(
          absl::StrCat("there is no fault \"", given.first, "\" (rafttest/faults.h)"));
    }
    const bool parsed = std::visit(
        [&](auto member) { return ParseNumber(given.second, faults.*member); }, known->member);
    if (!parsed) {
      return absl::InvalidArgumentError(absl::StrCat("\"", part, "\": not a number"));
    }
  }
  return faults;
}

std::vector<Faults> Faults::Calmer() const {
  const Faults calm;
  std::vector<Faults> calmer;
  for (const Parameter& parameter : kParameters) {
    std::visit(
        [&](auto member) {
          if (this->*member == calm.*member) return;
          calmer.push_back(*this);
          calmer.back().*member = calm.*member;
        },
        parameter.member);
  }
  return calmer;
}

}  // namespace rafttest
