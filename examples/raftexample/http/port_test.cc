#include "examples/raftexample/http/port.h"

#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "examples/raftexample/http/testing.h"
#include "gtest/gtest.h"

namespace raftexample::http {
namespace {

const Url kAnyPort = {.host = "127.0.0.1", .port = 0};

// Keeps what it is handed, and reads nothing.
class Taken {
 public:
  Port::Taker Taker() {
    return [this](Socket socket) {
      absl::MutexLock lock(&mutex_);
      sockets_.push_back(std::move(socket));
    };
  }
  // Waits for so many, and returns what the last one's client has said.
  std::string Hear(size_t count) {
    absl::MutexLock lock(&mutex_);
    auto enough = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return sockets_.size() >= count; };
    mutex_.Await(absl::Condition(&enough));
    char bytes[256];
    const ssize_t size = recv(sockets_[count - 1].fd(), bytes, sizeof(bytes), 0);
    return size > 0 ? std::string(bytes, static_cast<size_t>(size)) : "";
  }
  size_t count() {
    absl::MutexLock lock(&mutex_);
    return sockets_.size();
  }

 private:
  absl::Mutex mutex_;
  std::vector<Socket> sockets_ ABSL_GUARDED_BY(mutex_);
};

class PortTest : public testing::Test {
 protected:
  void Open(absl::Duration patience = absl::InfiniteDuration(), size_t max_undecided = 1024) {
    absl::StatusOr<std::unique_ptr<Port>> port =
        Port::Listen(kAnyPort, {.http1 = http1_.Taker(),
                                .http2 = http2_.Taker(),
                                .patience = patience,
                                .max_undecided = max_undecided});
    ASSERT_TRUE(port.ok()) << port.status();
    port_ = *std::move(port);
    port_->Start();
  }

  Taken http1_, http2_;
  std::unique_ptr<Port> port_;
};

TEST_F(PortTest, EachConnectionGoesWhereItBelongsWithAllItsBytes) {
  Open();
  TestClient web(port_->number()), grpc(port_->number());
  ASSERT_TRUE(grpc.Say("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
  EXPECT_EQ(http2_.Hear(1), "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  ASSERT_TRUE(web.Say("GET /health"));
  EXPECT_EQ(http1_.Hear(1), "GET /health");
  EXPECT_EQ(http2_.count(), 1u);
}

TEST_F(PortTest, TheFirstBytesMayComeOneByOne) {
  Open();
  TestClient client(port_->number());
  for (const char byte : std::string("PRI * HTTP/2.")) {
    ASSERT_TRUE(client.Say(std::string(1, byte)));
    absl::SleepFor(absl::Milliseconds(1));  // Each in a segment of its own, mostly.
  }
  EXPECT_EQ(http1_.count() + http2_.count(), 0u);
  ASSERT_TRUE(client.Say("0"));
  EXPECT_EQ(http2_.Hear(1), "PRI * HTTP/2.0");
}

TEST_F(PortTest, ASilentClientHoldsUpNobody) {
  Open();
  TestClient silent(port_->number()), other(port_->number());
  ASSERT_TRUE(other.Say("GET"));
  EXPECT_EQ(http1_.Hear(1), "GET");
}

TEST_F(PortTest, ASilentClientIsHungUpOnInTheEnd) {
  Open(absl::Milliseconds(20));
  TestClient silent(port_->number());
  ASSERT_TRUE(silent.connected());
  EXPECT_EQ(silent.HearAll(), "");  // Comes back at all.
}

TEST_F(PortTest, TooManySilentClientsPushTheOldestOut) {
  Open(absl::InfiniteDuration(), /*max_undecided=*/2);
  TestClient oldest(port_->number()), second(port_->number()), third(port_->number());
  EXPECT_EQ(oldest.HearAll(), "");
  ASSERT_TRUE(second.Say("GET 2"));
  EXPECT_EQ(http1_.Hear(1), "GET 2");
  ASSERT_TRUE(third.Say("GET 3"));
  EXPECT_EQ(http1_.Hear(2), "GET 3");
}

TEST_F(PortTest, ATakenAddressIsAnErrorThatNamesIt) {
  Open();
  const Url same = {.host = "127.0.0.1", .port = port_->number()};
  const absl::Status refused = Port::Listen(same, {}).status();
  EXPECT_TRUE(absl::IsUnavailable(refused)) << refused;
  EXPECT_NE(refused.message().find(same.HostPort()), absl::string_view::npos) << refused;
}

TEST_F(PortTest, TheAddressIsFreeAfterStop) {
  Open();
  const Url same = {.host = "127.0.0.1", .port = port_->number()};
  TestClient silent(port_->number());
  port_->Stop();
  EXPECT_EQ(silent.HearAll(), "");
  EXPECT_TRUE(Port::Listen(same, {}).ok());
}

TEST(ListenAt, AHostMayStandForSeveralAddresses) {
  const absl::StatusOr<std::vector<Socket>> sockets = ListenAt({.host = "localhost", .port = 0});
  ASSERT_TRUE(sockets.ok()) << sockets.status();
  EXPECT_GE(sockets->size(), 1u);
}

TEST(ListenAt, AnUnknownHostIsAnError) {
  EXPECT_TRUE(absl::IsUnavailable(ListenAt({.host = "no.such.host.invalid", .port = 1}).status()));
}

}  // namespace
}  // namespace raftexample::http
