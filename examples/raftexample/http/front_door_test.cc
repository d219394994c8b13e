#include "examples/raftexample/http/front_door.h"

#include <string>
#include <thread>

#include "absl/synchronization/notification.h"
#include "examples/raftexample/http/testing.h"
#include "gtest/gtest.h"

namespace raftexample::http {
namespace {

// An address that was free a moment ago.
Url FreeUrl() {
  const auto probe = Port::Listen({.host = "127.0.0.1", .port = 0}, {});
  return {.host = "127.0.0.1", .port = (*probe)->number()};
}

std::string Get(const Url& url, const std::string& target, const std::string& method = "GET") {
  TestClient client(url.port);
  client.Say(method + " " + target + " HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
  return client.HearAll();
}

TEST(FrontDoor, ARequestIsAnsweredWithWhatTheSiteSays) {
  const Url url = FreeUrl();
  FrontDoor door(
      [](const Request& request, Answer answer) {
        answer({.status = 418,
                .content_type = "text/teapot",
                .body = request.method + " " + request.path +
                        (request.Has("exclude", "NO SPACE") ? " without" : " with"),
                .headers = {{"X-Tea", "green"}}});
      },
      {});
  ASSERT_TRUE(door.Open(url, nullptr).ok());
  door.Start();
  const std::string reply = Get(url, "/health?exclude=CORRUPT&exclude=NO%20SPACE");
  EXPECT_EQ(reply.substr(0, 12), "HTTP/1.1 418") << reply;
  EXPECT_NE(reply.find("Content-Type: text/teapot\r\n"), std::string::npos) << reply;
  EXPECT_NE(reply.find("X-Tea: green\r\n"), std::string::npos) << reply;
  EXPECT_NE(reply.find("\r\n\r\nGET /health without"), std::string::npos) << reply;
  EXPECT_NE(Get(url, "/", "DELETE").find("DELETE / with"), std::string::npos);
}

TEST(FrontDoor, AnAnswerMayComeLaterAndHoldsUpNobody) {
  const Url url = FreeUrl();
  absl::Notification asked;
  Answer late;
  FrontDoor door(
      [&](const Request& request, Answer answer) {
        if (request.path != "/late") return answer({.body = "at once"});
        late = std::move(answer);
        asked.Notify();
      },
      {});
  ASSERT_TRUE(door.Open(url, nullptr).ok());
  door.Start();
  TestClient patient(url.port);
  ASSERT_TRUE(patient.Say("GET /late HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"));
  asked.WaitForNotification();
  EXPECT_NE(Get(url, "/").find("at once"), std::string::npos);

  // The end waits for the answer.
  std::thread close([&] { door.Close(); });
  late({.body = "at last"});
  close.join();
  EXPECT_NE(patient.HearAll().find("at last"), std::string::npos);
}

TEST(FrontDoor, HttpTwoGoesToItsOwnServer) {
  const Url url = FreeUrl();
  FrontDoor door([](const Request&, Answer answer) { answer({.body = "web"}); }, {});
  ASSERT_TRUE(door.Open(url,
                        [](int fd) {
                          Socket socket(fd);
                          send(fd, "grpc", 4, MSG_NOSIGNAL);
                        })
                  .ok());
  door.Start();
  TestClient grpc(url.port);
  ASSERT_TRUE(grpc.Say("PRI * HTTP/2.0"));
  EXPECT_EQ(grpc.HearAll(), "grpc");
  EXPECT_NE(Get(url, "/").find("web"), std::string::npos);
}

TEST(FrontDoor, FilesOfTlsThatAreNotThereAreAnError) {
  FrontDoor door([](const Request&, Answer) {}, {.certificate = "/no/such/file"});
  Url url = FreeUrl();
  url.tls = true;
  EXPECT_NE(door.Open(url, nullptr).message().find("/no/such/file"), absl::string_view::npos);
}

}  // namespace
}  // namespace raftexample::http
