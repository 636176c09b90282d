// literal grep limit: lgrep FILE PATTERN THREADS simd|memmem   (counts matching lines)
#include "vectors.hpp"
#include <sys/mman.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <thread>
#include <vector>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <cstdint>
#include <unistd.h>
static double now(){return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();}
static const char* simdfind(const char*p,const char*e,const char*n,size_t m){ __m512i a=_mm512_set1_epi8(n[0]),b=_mm512_set1_epi8(n[m-1]); while(p+64+m-1<=e){ uint64_t k=_mm512_mask_cmpeq_epi8_mask(_mm512_cmpeq_epi8_mask(a,_mm512_loadu_si512(p)),b,_mm512_loadu_si512(p+m-1)); while(k){int i=__builtin_ctzll(k); if(!memcmp(p+i,n,m)) return p+i; k&=k-1;} p+=64; } return (const char*)memmem(p,e-p,n,m); }
int main(int c,char**v){ double t=now(); const char*pat=v[2]; size_t m=strlen(pat); int T=atoi(v[3]); bool simd=!strcmp(v[4],"simd"); bool rd=c>5; int fd=open(v[1],O_RDONLY); struct stat st; fstat(fd,&st); size_t N=st.st_size; const char*d=nullptr; if(!rd) d=(const char*)mmap(0,N,PROT_READ,MAP_PRIVATE,fd,0); std::atomic<size_t> next{0}; std::atomic<uint64_t> tot{0}; const size_t C=rd?(512u<<10):(4u<<20);
 auto f=[&]{ uint64_t n=0; std::vector<char> buf(rd?C+65536:0); for(;;){ size_t b=next.fetch_add(C); if(b>=N)break; size_t e=b+C<N?b+C:N; const char*p,*q; if(rd){ size_t want=(e+32768<N?e+32768:N)-b; ssize_t g=pread(fd,buf.data(),want,b); p=buf.data(); const char*lim=p+g; q=p+(e-b); if(b){ p=(const char*)memchr(p,'\n',lim-p); if(!p)continue; p++; } if(e<N){ q=(const char*)memchr(q,'\n',lim-q); if(!q)q=lim; else q++; } }
   else { p=d+b;q=d+e; if(b){p=(const char*)memchr(p-1,'\n',d+N-p+1); if(!p)continue; p++;} if(e<N){ q=(const char*)memchr(q-1,'\n',d+N-q+1); q=q?q+1:d+N; } }
   while(p<q){ const char*x=simd?simdfind(p,q,pat,m):(const char*)memmem(p,q-p,pat,m); if(!x)break; n++; x=(const char*)memchr(x,'\n',q-x); if(!x)break; p=x+1; } } tot+=n; };
 std::vector<std::thread> th; for(int i=1;i<T;i++)th.emplace_back(f); f(); for(auto&x:th)x.join(); double e=now()-t; printf("%lu\n",(unsigned long)tot.load()); fprintf(stderr,"%.3f s %.1f MB/s\n",e,N/1e6/e); fflush(stdout); _exit(0); }
