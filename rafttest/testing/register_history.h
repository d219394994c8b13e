// Histories of clients of one register that does one thing at a time: linearizable by construction.
#ifndef RAFT_RAFTTEST_TESTING_REGISTER_HISTORY_H_
#define RAFT_RAFTTEST_TESTING_REGISTER_HISTORY_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "rafttest/linearizability.h"
#include "rafttest/random.h"

namespace rafttest::testing {

// `size` puts, gets and compare-and-sets by so many clients at once, all on key "k". Each takes
// effect at some moment between its call and its return; a part `unknown` never returns, and then
// takes effect late or not at all.
std::vector<Operation> RegisterHistory(size_t size, size_t clients, double unknown, Random& random);

}  // namespace rafttest::testing

#endif  // RAFT_RAFTTEST_TESTING_REGISTER_HISTORY_H_
