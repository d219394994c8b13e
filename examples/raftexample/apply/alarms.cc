#include "examples/raftexample/apply/alarms.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace raftexample {
namespace {

using etcdserverpb::AlarmRequest;
using etcdserverpb::AlarmType;

constexpr size_t kMemberDigits = 16;

std::string StoredKey(uint64_t member, AlarmType kind) {
  return absl::StrCat(absl::Hex(member, absl::kZeroPad16), static_cast<int>(kind));
}

uint32_t Bit(AlarmType kind) { return uint32_t{1} << kind; }

}  // namespace

absl::Status Alarms::Reload() {
  absl::MutexLock lock(&mutex_);
  active_.clear();
  absl::Status bad;
  absl::Status scanned =
      backend_->ScanCommitted(Bucket::kAlarms, [&](absl::string_view key, absl::string_view) {
        uint64_t member;
        int kind;
        if (key.size() <= kMemberDigits ||
            !absl::SimpleHexAtoi(key.substr(0, kMemberDigits), &member) ||
            !absl::SimpleAtoi(key.substr(kMemberDigits), &kind)) {
          bad = absl::DataLossError("the store has an alarm that cannot be read");
          return false;
        }
        active_.insert({member, static_cast<AlarmType>(kind)});
        return true;
      });
  CountKinds();
  return scanned.ok() ? bad : scanned;
}

void Alarms::CountKinds() {
  uint32_t kinds = 0;
  for (const auto& [member, kind] : active_) kinds |= Bit(kind);
  kinds_.store(kinds, std::memory_order_release);
}

etcdserverpb::AlarmResponse Alarms::Apply(const AlarmRequest& request) {
  etcdserverpb::AlarmResponse response;
  auto answer = [&](const Alarm& alarm) {
    etcdserverpb::AlarmMember& member = *response.add_alarms();
    member.set_memberid(alarm.first);
    member.set_alarm(alarm.second);
  };
  absl::MutexLock lock(&mutex_);
  const Alarm named{request.memberid(), request.alarm()};
  switch (request.action()) {
    case AlarmRequest::GET:
      for (const Alarm& alarm : active_) {
        if (request.alarm() != etcdserverpb::NONE && request.alarm() != alarm.second) continue;
        answer(alarm);
      }
      break;
    case AlarmRequest::ACTIVATE:
      if (request.alarm() != etcdserverpb::NOSPACE && request.alarm() != etcdserverpb::CORRUPT) {
        break;
      }
      if (active_.insert(named).second) {
        backend_->Put(Bucket::kAlarms, StoredKey(named.first, named.second), "");
      }
      answer(named);
      break;
    case AlarmRequest::DEACTIVATE:
      if (active_.erase(named) == 0) break;
      backend_->Delete(Bucket::kAlarms, StoredKey(named.first, named.second));
      answer(named);
      break;
    default: break;
  }
  CountKinds();
  return response;
}

std::vector<etcdserverpb::AlarmMember> Alarms::Active() const {
  absl::ReaderMutexLock lock(&mutex_);
  std::vector<etcdserverpb::AlarmMember> all;
  for (const auto& [member, kind] : active_) {
    all.emplace_back().set_memberid(member);
    all.back().set_alarm(kind);
  }
  return all;
}

bool Alarms::IsActive(AlarmType kind) const {
  return (kinds_.load(std::memory_order_acquire) & Bit(kind)) != 0;
}

}  // namespace raftexample
