// write_files DIR COUNT BYTES [bare]: the floor of COUNT outputs of BYTES in all, in two threads: each file in a directory of
// its own, written, made durable and linked to where it shall be seen, and first names and directories removed in the end; with
// `bare` only written, in one directory.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

int main(int argc, char** argv) {
  const long count = argc > 3 ? atol(argv[2]) : 0, bytes = argc > 3 ? atol(argv[3]) : 0;
  if (count <= 0 || bytes < 0) return fprintf(stderr, "usage: write_files DIR COUNT BYTES [bare]\n"), 2;
  const bool bare = argc > 4;
  const std::string base = argv[1], seen = base + "/seen";
  if (mkdir(base.c_str(), 0700) != 0 || mkdir(seen.c_str(), 0700) != 0) return perror(argv[1]), 1;
  std::atomic<long> failed{0};
  auto half = [&](long which) {
    const std::vector<char> buffer(bytes / count, 'x');
    for (long i = which; i < count; i += 2) {
      const std::string own = base + "/" + std::to_string(i), target = seen + "/part-" + std::to_string(i);
      const std::string path = bare ? target : own + "/part";
      if (!bare && mkdir(own.c_str(), 0700) != 0) ++failed;
      const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
      if (file < 0 || write(file, buffer.data(), buffer.size()) != static_cast<long>(buffer.size())) ++failed;
      if (!bare && (fsync(file) != 0 || link(path.c_str(), target.c_str()) != 0)) ++failed;
      close(file);
    }
    for (long i = which; i < count && !bare; i += 2) {
      const std::string own = base + "/" + std::to_string(i);
      if (unlink((own + "/part").c_str()) != 0 || rmdir(own.c_str()) != 0) ++failed;
    }
  };
  std::thread other(half, 1);
  half(0);
  other.join();
  if (failed != 0) return fprintf(stderr, "%ld files could not be written\n", failed.load()), 1;
  printf("%ld files\n", count);
}
