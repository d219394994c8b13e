// When to campaign, when to send heartbeats, and for how long a leader's word counts (§3.4, §6.2).
#ifndef RAFT_RAFT_ELECTION_TIMER_H_
#define RAFT_RAFT_ELECTION_TIMER_H_

#include <algorithm>
#include <cstdint>

namespace raft {

// Counts ticks; knows no clock and no role. A follower counts towards its election timeout, drawn
// anew at each Restart from [election_tick, 2*election_tick) so that votes rarely split (§3.4). A
// leader counts towards its next quorum check and its next heartbeat.
class ElectionTimer {
 public:
  ElectionTimer(uint32_t election_tick, uint32_t heartbeat_tick, uint64_t seed)
      : random_(seed), election_tick_(election_tick), heartbeat_tick_(heartbeat_tick) {
    Restart();
  }

  uint32_t election_tick() const { return election_tick_; }
  uint32_t elapsed() const { return elapsed_; }

  // Both counts start again, and the timeout is drawn anew. At every change of role.
  void Restart() {
    elapsed_ = 0;
    heartbeat_elapsed_ = 0;
    timeout_ = election_tick_ + static_cast<uint32_t>(NextRandom() % election_tick_);
  }
  // Goes on with a count from before a Restart.
  void Resume(uint32_t elapsed) { elapsed_ = elapsed; }
  // The leader was heard of, or a vote was granted: the same timeout counts again.
  void RestartElapsed() { elapsed_ = 0; }

  // Counting stops far above every timeout, so that a server that never campaigns cannot wrap.
  void AdvanceFollower(uint32_t ticks) {
    elapsed_ = Saturated(elapsed_, ticks);
    promised_ -= std::min(promised_, ticks);
  }
  void AdvanceLeader(uint32_t ticks) {
    elapsed_ = Saturated(elapsed_, ticks);
    promised_ -= std::min(promised_, ticks);
    heartbeat_elapsed_ = Saturated(heartbeat_elapsed_, ticks);
  }

  bool ElectionDue() const { return elapsed_ >= timeout_; }
  bool QuorumCheckDue() const { return elapsed_ >= election_tick_; }
  bool HeartbeatDue() const { return heartbeat_elapsed_ >= heartbeat_tick_; }
  void RestartHeartbeat() { heartbeat_elapsed_ = 0; }

  // A follower that heard of its leader so recently refuses to help depose it (§6.2).
  bool InLease() const { return elapsed_ < election_tick_; }

  // The same, but no change of role or term takes it back: what a leader's lease rests on (§6.4.1).
  void Promise() { promised_ = election_tick_; }
  bool HasPromised() const { return promised_ > 0; }

  // Ticks until something is due; at least 1.
  uint32_t UntilElection() const { return Until(timeout_, elapsed_); }
  uint32_t UntilLeaderDue() const {
    return std::min(Until(election_tick_, elapsed_), Until(heartbeat_tick_, heartbeat_elapsed_));
  }

  // A timeout of the caller's choice until the next Restart, for tests.
  void SetTimeout(uint32_t ticks) { timeout_ = ticks; }

 private:
  static constexpr uint32_t kFarAway = uint32_t{1} << 30;

  static uint32_t Saturated(uint32_t count, uint32_t ticks) {
    return std::min(count + std::min(ticks, kFarAway), kFarAway);
  }
  static uint32_t Until(uint32_t due, uint32_t now) { return due > now ? due - now : 1; }

  // SplitMix64 (Steele, Lea, Flood 2014): eight bytes of state, good enough to break ties.
  uint64_t NextRandom() {
    uint64_t z = (random_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  uint64_t random_;
  uint32_t election_tick_;
  uint32_t heartbeat_tick_;
  uint32_t timeout_ = 0;
  uint32_t elapsed_ = 0;
  uint32_t heartbeat_elapsed_ = 0;
  uint32_t promised_ = 0;  // Ticks for which nobody gets a vote.
};

}  // namespace raft

#endif  // RAFT_RAFT_ELECTION_TIMER_H_
