// Gives other workers the segments of our map outputs.  One thread and one socket of its own, apart
// from the control plane; reads files and knows nothing of jobs beyond their ids.
//
// No path comes from the wire: <scratch>/<job>/<attempt>/output.run is made from numbers.

#pragma once

#include <memory>
#include <string>

#include "common/core/status.hpp"
#include "common/io/file_system.hpp"
#include "common/net/transport.hpp"
#include "worker/shuffle/shuffle_figures.hpp"

namespace fanfold::worker {

struct DataServerOptions {
  std::string scratch;  // This worker's own.
  std::string address;  // To listen at.
  net::Protection protection = net::NoTcp{};
  std::shared_ptr<ShuffleFigures> figures = {};  // Null: nobody looks on.
};

/// Serves until it is destroyed.
class DataServer {
 public:
  virtual ~DataServer() = default;
  /// Where others fetch from: the address, with the port that was chosen.
  virtual const std::string& endpoint() const = 0;
};

/// `files` outlives the server and is used by its thread.
Result<std::unique_ptr<DataServer>> start_data_server(io::FileSystem& files,
                                                      const DataServerOptions& options);

}  // namespace fanfold::worker
