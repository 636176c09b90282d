// What every Transport must do, whoever implements it.  An implementation instantiates the suite
// with its own TransportWorld; the tests themselves know nothing of sockets.

#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/net/transport.hpp"

namespace fanfold::net {

class TransportWorld {
 public:
  virtual ~TransportWorld() = default;
  virtual Result<std::unique_ptr<BoundTransport>> listen(const std::string& address,
                                                         const SocketOptions& options) = 0;
  virtual Result<std::unique_ptr<Transport>> connect(const std::string& address,
                                                     const SocketOptions& options) = 0;
  virtual Result<std::unique_ptr<ConnectingTransport>> make_connecting_transport(
      const SocketOptions& options) = 0;
  /// An address that nobody uses; another one for each number.
  virtual std::string address(int number) = 0;
};

struct WorldFactory {
  const char* name;
  std::function<std::unique_ptr<TransportWorld>()> make;
};

class TransportConformance : public testing::TestWithParam<WorldFactory> {
 protected:
  TransportConformance() : world_(GetParam().make()) {}

  std::unique_ptr<BoundTransport> listening(int number = 1);
  std::unique_ptr<Transport> connected(int number = 1);

  /// Lets all of them work until a frame arrives at `receiver`; an empty payload and a test
  /// failure when none does within a generous time.
  static Frame next_frame(Transport& receiver, const std::vector<Transport*>& others = {});
  /// Client says something, and the server knows its peer id from then on.
  static PeerId greet(BoundTransport& server, Transport& client, const std::string& text = "hi");

  std::unique_ptr<TransportWorld> world_;
  SocketOptions options_;
};

}  // namespace fanfold::net
