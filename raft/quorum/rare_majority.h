// A set of voters that is nearly always empty, and then no more than a pointer.
#ifndef RAFT_RAFT_QUORUM_RARE_MAJORITY_H_
#define RAFT_RAFT_QUORUM_RARE_MAJORITY_H_

#include <cstddef>
#include <memory>
#include <utility>

#include "raft/quorum/majority.h"
#include "raft/types.h"

namespace raft::quorum {

// A Majority in all that it says; only that there is none where it would be empty. Of four sets
// that make up a membership a group that changes nothing and has no learners needs one.
class RareMajority {
 public:
  RareMajority() = default;
  RareMajority(Majority ids)  // NOLINT: implicit, since the two are the same to everybody.
      : ids_(ids.empty() ? nullptr : std::make_unique<Majority>(std::move(ids))) {}
  RareMajority(const RareMajority& other) : RareMajority(other.ids()) {}
  RareMajority(RareMajority&& other) noexcept = default;
  RareMajority& operator=(RareMajority other) noexcept {
    ids_ = std::move(other.ids_);
    return *this;
  }

  // True until the next change.
  const Majority& ids() const { return ids_ != nullptr ? *ids_ : None(); }
  operator const Majority&() const { return ids(); }  // NOLINT: implicit, as above.

  bool contains(NodeId id) const { return ids_ != nullptr && ids_->contains(id); }
  bool empty() const { return ids_ == nullptr; }
  size_t size() const { return ids().size(); }
  Majority::const_iterator begin() const { return ids().begin(); }
  Majority::const_iterator end() const { return ids().end(); }

  void Insert(NodeId id) {
    if (ids_ == nullptr) ids_ = std::make_unique<Majority>();
    ids_->Insert(id);
  }
  void Erase(NodeId id) {
    if (ids_ == nullptr) return;
    ids_->Erase(id);
    if (ids_->empty()) ids_ = nullptr;
  }
  void Clear() { ids_ = nullptr; }

  friend bool operator==(const RareMajority& a, const RareMajority& b) {
    return a.ids() == b.ids();
  }

 private:
  static const Majority& None() {
    static const Majority& none = *new Majority();
    return none;
  }

  std::unique_ptr<Majority> ids_;  // Never empty.
};

}  // namespace raft::quorum

#endif  // RAFT_RAFT_QUORUM_RARE_MAJORITY_H_
