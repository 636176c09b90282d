#include "master/publish/gathered.hpp"

#include <utility>

#include "common/proto/gather.hpp"

namespace fanfold::master {

void put_gathered(PublishRequest* request, AttemptFiles root) {
  for (AttemptFiles& reduce : request->reduces) {
    if (const io::PartInfo* part = proto::gathered_file(reduce.files)) {
      request->gathered_records += part->records;
      reduce.files.erase(reduce.files.begin() + (part - reduce.files.data()));
    }
  }
  request->reduces.push_back(std::move(root));
  request->parts_gathered = std::exchange(request->partitions, 1);
}

}  // namespace fanfold::master
