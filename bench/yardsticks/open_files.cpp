// open_files DIR: the floor of reading many small files: list, open, fstat, read and close each, once, in two threads.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <thread>
#include <vector>

int main(int argc, char** argv) {
  DIR* dir = argc == 2 ? opendir(argv[1]) : nullptr;
  if (!dir) return fprintf(stderr, "usage: open_files DIR\n"), 2;
  std::vector<std::string> paths;
  while (const dirent* entry = readdir(dir))
    if (entry->d_type == DT_REG) paths.push_back(std::string(argv[1]) + "/" + entry->d_name);
  closedir(dir);
  long bytes[2] = {0, 0};
  auto half = [&](size_t which) {
    std::vector<char> buffer(1 << 20);
    for (size_t i = which; i < paths.size(); i += 2) {
      struct stat info;
      const int file = open(paths[i].c_str(), O_RDONLY | O_CLOEXEC);
      if (file < 0 || fstat(file, &info) != 0) return;
      bytes[which] += read(file, buffer.data(), buffer.size());
      close(file);
    }
  };
  std::thread other(half, 1);
  half(0);
  other.join();
  printf("%zu files, %ld bytes\n", paths.size(), bytes[0] + bytes[1]);
}
