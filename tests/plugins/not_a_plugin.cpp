// A shared library that knows nothing of Fanfold.

extern "C" int answer() { return 42; }
