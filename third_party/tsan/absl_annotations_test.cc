// Every way in which Abseil orders two threads, each with an unguarded int that the order protects.
// Without ThreadSanitizer these only say that Abseil works; with it, that it knows.

#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "gtest/gtest.h"

namespace {

constexpr int kRounds = 200;

bool IsEven(int* n) { return *n % 2 == 0; }
bool IsOdd(int* n) { return *n % 2 == 1; }

// Runs both to their ends, in threads of their own.
template <typename F, typename G>
void Together(F f, G g) {
  std::thread first(f);
  std::thread second(g);
  first.join();
  second.join();
}

TEST(AbslAnnotations, WritersExcludeEachOther) {
  absl::Mutex mu;
  int n = 0;
  const auto count = [&] {
    for (int i = 0; i < kRounds; ++i) {
      absl::MutexLock lock(&mu);
      ++n;
    }
  };
  Together(count, count);
  EXPECT_EQ(n, 2 * kRounds);
}

TEST(AbslAnnotations, WritersExcludeReaders) {
  absl::Mutex mu;
  int n = 0;
  const auto write = [&] {
    for (int i = 0; i < kRounds; ++i) {
      absl::WriterMutexLock lock(&mu);
      ++n;
    }
  };
  const auto read = [&] {
    for (int i = 0; i < kRounds; ++i) {
      absl::ReaderMutexLock lock(&mu);
      EXPECT_LE(n, kRounds);
    }
  };
  Together(write, read);
}

TEST(AbslAnnotations, TryLockOrdersWhenItSucceeds) {
  absl::Mutex mu;
  int n = 0;
  const auto count = [&] {
    for (int i = 0; i < kRounds; ++i) {
      while (!mu.TryLock()) std::this_thread::yield();
      ++n;
      mu.Unlock();
    }
  };
  Together(count, count);
  EXPECT_EQ(n, 2 * kRounds);
}

TEST(AbslAnnotations, ConditionsOrder) {
  absl::Mutex mu;
  int n = 0;
  Together(
      [&] {
        for (int i = 0; i < kRounds; ++i) {
          mu.LockWhen(absl::Condition(&IsEven, &n));
          ++n;
          mu.Unlock();
        }
      },
      [&] {
        for (int i = 0; i < kRounds; ++i) {
          absl::MutexLock lock(&mu);
          EXPECT_TRUE(mu.AwaitWithTimeout(absl::Condition(&IsOdd, &n), absl::InfiniteDuration()));
          ++n;
        }
      });
  EXPECT_EQ(n, 2 * kRounds);
}

TEST(AbslAnnotations, ConditionVariablesOrder) {
  absl::Mutex mu;
  absl::CondVar changed;
  int n = 0;
  Together(
      [&] {
        for (int i = 0; i < kRounds; ++i) {
          absl::MutexLock lock(&mu);
          while (!IsEven(&n)) changed.Wait(&mu);
          ++n;
          changed.SignalAll();
        }
      },
      [&] {
        for (int i = 0; i < kRounds; ++i) {
          absl::MutexLock lock(&mu);
          while (!IsOdd(&n)) changed.WaitWithTimeout(&mu, absl::InfiniteDuration());
          ++n;
          changed.Signal();
        }
      });
  EXPECT_EQ(n, 2 * kRounds);
}

TEST(AbslAnnotations, ANotificationOrders) {
  for (int i = 0; i < kRounds; ++i) {
    int n = 0;
    absl::Notification first;
    absl::Notification second;
    Together(
        [&] {
          ++n;
          first.Notify();
          while (!second.HasBeenNotified()) std::this_thread::yield();
          ++n;
        },
        [&] {
          first.WaitForNotification();
          ++n;
          second.Notify();
        });
    EXPECT_EQ(n, 3);
  }
}

TEST(AbslAnnotations, ABlockingCounterOrders) {
  for (int i = 0; i < kRounds; ++i) {
    int n = 0;
    absl::BlockingCounter done(1);
    std::thread thread([&] {
      ++n;
      done.DecrementCount();
    });
    done.Wait();
    ++n;
    thread.join();
    EXPECT_EQ(n, 2);
  }
}

TEST(AbslAnnotations, TheLastOwnerOfACordMayDeleteIt) {
  absl::Cord shared(std::string(1 << 16, 'x'));
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([mine = shared]() mutable {
      for (int round = 0; round < kRounds; ++round) {
        absl::Cord longer = mine;
        longer.Append("y");
        EXPECT_EQ(longer.Subcord(1 << 16, 1), "y");
      }
      mine.Clear();
    });
  }
  shared.Clear();
  for (std::thread& thread : threads) thread.join();
}

TEST(AbslAnnotations, TheLastOwnerOfAStatusMayDeleteIt) {
  for (int round = 0; round < kRounds; ++round) {
    absl::Status shared = absl::UnavailableError("not now");
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([mine = shared]() mutable {
        EXPECT_EQ(mine.message(), "not now");
        mine = absl::OkStatus();
      });
    }
    shared = absl::OkStatus();
    for (std::thread& thread : threads) thread.join();
  }
}

#ifdef __SANITIZE_THREAD__
TEST(AbslAnnotations, ARaceBesideTheLockIsStillFound) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_DEATH(
      {
        absl::Mutex mu;
        int n = 0;
        Together(
            [&] {
              absl::MutexLock lock(&mu);
              ++n;
            },
            [&] { ++n; });
      },
      "data race");
}
#endif

}  // namespace
