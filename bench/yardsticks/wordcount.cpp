// Hand-written 2-thread word count, second design (the better limit on high cardinality):
// AVX-512 tokenizer -> fixed-size per-thread pre-aggregation cache (2-way, 32-byte inline slots, prefetched)
// -> evictions/misses go to P range partitions (or hash partitions) as compact records in 16 KiB chunks
// -> each partition: small cache-resident open addressing table, local prefix sort, formatted, pwrite in order.
// usage: wc2 IN OUT [T=2] [cachebits=18] [P=512] [sorted|hash] 
#include "vectors.hpp"
#include <malloc.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <unistd.h>
#include <atomic>
#include <mutex>
#include <thread>
#include <vector>
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
using u8=uint8_t;using u16=uint16_t;using u32=uint32_t;using u64=uint64_t;
static double now(){return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();}
struct alignas(32) Slot{ union{ __m128i k; struct{const char*p;u64 h2;}; u64 w[2]; }; u32 hash; u32 len; u64 count; };
static void* hugealloc(size_t n){ n=(n+(2u<<20)-1)&~size_t((2u<<20)-1); void*p=mmap(0,n,PROT_READ|PROT_WRITE,MAP_PRIVATE|MAP_ANONYMOUS,-1,0); if(p==MAP_FAILED){perror("mmap");exit(1);} madvise(p,n,MADV_HUGEPAGE); return p; }
static inline u64 mum(u64 a,u64 b){ __uint128_t r=(__uint128_t)a*b; return (u64)r^(u64)(r>>64);} 
static inline u64 hash16(__m128i k,u32 len){ u64 lo=_mm_cvtsi128_si64(k),hi=_mm_extract_epi64(k,1); return mum(lo^0xa0761d6478bd642full^len,hi^0xe7037ed1a0b428dbull); }
static inline u64 hashlong(const char*p,size_t n){ u64 h=n*0x9E3779B97F4A7C15ull; while(n>16){u64 a,b;memcpy(&a,p,8);memcpy(&b,p+8,8);h=mum(a^h^0xa0761d6478bd642full,b^0xe7037ed1a0b428dbull);p+=16;n-=16;} u64 a,b; memcpy(&a,p+n-16,8);memcpy(&b,p+n-8,8); return mum(a^h^0x8ebc6af09c88c6e3ull,b^0x589965cc75374cc3ull);} 
static inline __m128i load16(const char*p,size_t len){ return _mm_maskz_loadu_epi8(_bzhi_u32(0xffff,len),p);} 
static inline u64 be8(const char*p,size_t n){ return __builtin_bswap64(_mm_cvtsi128_si64(_mm_maskz_loadu_epi8(_bzhi_u32(0xff,n<8?n:8),p))); }
static int P=2048; static bool HASH=false; static std::vector<u64> split;
static inline u32 partOf(u64 pre){ // branchless upper_bound over P-1 splitters (P power of two)
  const u64*s=split.data(); u32 b=0; for(u32 h=P>>1;h;h>>=1) b+= (s[b+h-1]<=pre)?h:0; return b; }
struct Chunk{ Chunk*next; u32 used; u32 cap; char*d(){return (char*)(this+1);} };
struct Part{ Chunk*head=0,*tail=0; char*w=0,*e=0; u64 recs=0; };
static const u32 CH=16384;
struct Spill{ std::vector<Part> p; char*cur=0,*end=0; Spill():p(P){}
  void more(Part&q,size_t need){ if(q.tail) q.tail->used=q.w-q.tail->d(); size_t s=std::max<size_t>(CH,need+64+sizeof(Chunk)); if(cur+s>end){ size_t a=std::max<size_t>(s,8u<<20); cur=(char*)hugealloc(a); end=cur+a;} Chunk*c=(Chunk*)cur; cur+=(s+15)&~15ull; c->next=0;c->used=0;c->cap=s-sizeof(Chunk); if(q.tail)q.tail->next=c; else q.head=c; q.tail=c; q.w=c->d(); q.e=c->d()+c->cap; }
  inline void put(u32 part,const char*key,u32 len,__m128i k,u64 cnt){ Part&q=p[part]; if(__builtin_expect((size_t)(q.e-q.w)<len+32ull,0)) more(q,len+32); char*w=q.w; u32 hd=len<<12|(cnt<4095?cnt:4095); memcpy(w,&hd,4); w+=4; if(cnt>=4095){memcpy(w,&cnt,8);w+=8;} if(len<=16){ _mm_storeu_si128((__m128i*)w,k);} else memcpy(w,key,len); q.w=w+len; q.recs++; }
  void seal(){ for(auto&q:p) if(q.tail) q.tail->used=q.w-q.tail->d(); }
};
struct Tok{const char*p; u32 len; u32 h; __m128i k; u64 h64;};
static const int B=64;
struct Mapper{ Slot*s; u32 bits; Spill sp; Tok q[B]; int nq=0; u64 words=0,spilled=0; u64 whit=0,wn=0; int bypass=0;
  void init(u32 b){bits=b; s=(Slot*)hugealloc(sizeof(Slot)<<b);} 
  inline u32 idx(u32 h){return (h>>(32-bits))&~1u;}
  inline void spill(const Slot&x){ spilled++; u32 pt=HASH?(x.hash&(P-1)):partOf(x.len<=16?__builtin_bswap64(x.w[0]):be8(x.p,x.len)); sp.put(pt,x.p,x.len,x.k,x.count);} 
  inline void add(const Tok&x){ Slot*a=s+idx(x.h); 
    for(int i=0;i<2;i++){ Slot&z=a[i]; if(z.len==x.len){ if(x.len<=16){ if(_mm_movemask_epi8(_mm_cmpeq_epi8(z.k,x.k))==0xffff){z.count++;whit++;return;} } else if(z.h2==x.h64&&memcmp(z.p,x.p,x.len)==0){z.count++;whit++;return;} } }
    Slot&v=a[a[1].count<=a[0].count]; if(v.count) spill(v); if(x.len<=16)v.k=x.k; else {v.p=x.p;v.h2=x.h64;} v.hash=x.h;v.len=x.len;v.count=1; }
  inline void flush(){ if(bypass>0){ for(int i=0;i<nq;i++){ Tok&x=q[i]; u32 pt=HASH?(x.h&(P-1)):partOf(x.len<=16?__builtin_bswap64(_mm_cvtsi128_si64(x.k)):be8(x.p,x.len)); sp.put(pt,x.p,x.len,x.k,1);} spilled+=nq; bypass-=nq; }
    else { for(int i=0;i<nq;i++) add(q[i]); wn+=nq; if(wn>=(4u<<bits)){ if(whit*8<wn) bypass=32<<bits; wn=whit=0; } } words+=nq; nq=0; }
  inline void word(const char*p,size_t len){ Tok&x=q[nq]; x.p=p;x.len=len; u64 h; if(__builtin_expect(len<=16,1)){ x.k=load16(p,len); h=hash16(x.k,len);} else h=hashlong(p,len); x.h64=h; x.h=h>>32; __builtin_prefetch(s+idx(x.h),1); if(++nq==B) flush(); }
  void drain(){ for(size_t i=0;i<((size_t)1<<bits);i++) if(s[i].count) spill(s[i]); sp.seal(); }
};
static inline u64 wsmask(__m512i v){ return _mm512_cmpeq_epi8_mask(v,_mm512_set1_epi8(' ')) | _mm512_cmple_epu8_mask(_mm512_sub_epi8(v,_mm512_set1_epi8(9)),_mm512_set1_epi8(4)); }
template<class F> static inline void tokenize(const char*b,const char*e,F f){
  u64 prev=1; const char*start=b; const char*p=b;
  for(;p<e;p+=64){ size_t left=e-p; u64 ws; if(left>=64) ws=wsmask(_mm512_loadu_si512(p)); else { u64 m=_bzhi_u64(~0ull,left); ws=wsmask(_mm512_maskz_loadu_epi8(m,p))|~m; }
    u64 edge=ws^((ws<<1)|prev); prev=ws>>63; u64 starts=edge&~ws, ends=edge&ws;
    while(ends){ u32 en=__builtin_ctzll(ends); ends&=ends-1; u64 before=starts&_bzhi_u64(~0ull,en); if(before){ start=p+__builtin_ctzll(before); starts&=starts-1; } f(start,(size_t)(p+en-start)); }
    if(starts) start=p+__builtin_ctzll(starts); }
  if(!prev) f(start,(size_t)(e-start));
}
static bool isws(char c){return c==' '||(u8)(c-9)<=4;}
struct Ent{u64 pre; const Slot*s;};
static inline const char* key(const Slot*s){return s->len<=16?(const char*)&s->k:s->p;}
static inline bool lessEnt(const Ent&a,const Ent&b){ if(a.pre!=b.pre) return a.pre<b.pre; const Slot*x=a.s,*y=b.s; if(x->len<=16&&y->len<=16){ u64 p=__builtin_bswap64(x->w[1]),q=__builtin_bswap64(y->w[1]); if(p!=q) return p<q; return x->len<y->len; } size_t n=std::min(x->len,y->len); int c=memcmp(key(x),key(y),n); if(c) return c<0; return x->len<y->len; }
static inline int digits(u64 c){ int d=1; while(c>=10){c/=10;d++;} return d; }
struct Less{ bool operator()(const Ent&a,const Ent&b)const{ if(__builtin_expect(a.pre!=b.pre,1)) return a.pre<b.pre; return lessEnt(a,b);} };
struct Red{ Slot*s=0; size_t cap=0; std::vector<u32> used; std::vector<Ent> E,E2; u32 cnt[2049];
  void sortE(){ size_t n=E.size(); if(n<256){ std::sort(E.begin(),E.end(),Less()); return;} u64 lo=~0ull,hi=0; for(auto&e:E){lo=std::min(lo,e.pre);hi=std::max(hi,e.pre);} int sh=0; while(((hi-lo)>>sh)>=2048)sh++; memset(cnt,0,sizeof cnt); for(auto&e:E)cnt[((e.pre-lo)>>sh)+1]++; for(int i=0;i<2048;i++)cnt[i+1]+=cnt[i]; E2.resize(n); u32 pos[2048]; memcpy(pos,cnt,sizeof pos); for(auto&e:E)E2[pos[(e.pre-lo)>>sh]++]=e; for(int i=0;i<2048;i++) if(cnt[i+1]-cnt[i]>1) std::sort(E2.begin()+cnt[i],E2.begin()+cnt[i+1],Less()); E.swap(E2); }

  void run(std::vector<Mapper*>&m,int p,std::vector<char>&out,u64&uniq,u64&tot){ u64 recs=0; for(auto x:m)recs+=x->sp.p[p].recs; if(!recs)return; size_t want=1024; while(want*6/10<recs&&want<(1u<<14)) want*=2; if(!s){cap=want; s=(Slot*)hugealloc(cap*sizeof(Slot));} 
    used.clear(); size_t mask=cap-1; u32 sh=0; while((cap>>sh)>1)sh++;
    auto grow=[&]{ size_t nc=cap*2; Slot*o=s; Slot*n=(Slot*)hugealloc(nc*sizeof(Slot)); for(auto&u:used){ size_t j=(o[u].hash*0x9E3779B1u)>>(32-sh-1); while(n[j].count) j=(j+1)&(nc-1); n[j]=o[u]; u=j; } munmap(o,(cap*sizeof(Slot)+(2u<<20)-1)&~size_t((2u<<20)-1)); s=n;cap=nc;mask=cap-1;sh++; };
    struct R{const char*p;u32 len;u32 h;u64 h64;u64 c;__m128i k;}; R r[32]; int n=0;
    auto fl=[&]{ for(int i=0;i<n;i++){ R&x=r[i]; size_t j=(x.h*0x9E3779B1u)>>(32-sh); for(;;j=(j+1)&mask){ Slot&q=s[j]; if(!q.count){ if(x.len<=16)q.k=x.k; else{q.p=x.p;q.h2=x.h64;} q.hash=x.h;q.len=x.len;q.count=x.c; used.push_back(j); if(used.size()*10>cap*6) grow(); break;} if(q.len==x.len&&(x.len<=16?_mm_movemask_epi8(_mm_cmpeq_epi8(q.k,x.k))==0xffff:(q.h2==x.h64&&!memcmp(q.p,x.p,x.len)))){q.count+=x.c;break;} } } n=0; };
    for(auto m_:m) for(Chunk*c=m_->sp.p[p].head;c;c=c->next){ char*w=c->d(),*e=w+c->used; __builtin_prefetch(c->next); while(w<e){ u32 hd; memcpy(&hd,w,4); w+=4; R&x=r[n]; x.len=hd>>12; x.c=hd&4095; if(x.c==4095){memcpy(&x.c,w,8);w+=8;} x.p=w; if(x.len<=16){x.k=load16(w,x.len);x.h64=hash16(x.k,x.len);} else x.h64=hashlong(w,x.len); x.h=x.h64>>32; w+=x.len; __builtin_prefetch(&s[(x.h*0x9E3779B1u)>>(32-sh)],1); if(++n==32)fl(); } }
    fl(); size_t U=used.size(); E.resize(U); u64 z=0; for(size_t i=0;i<U;i++){ Slot&q=s[used[i]]; E[i]={q.len<=16?__builtin_bswap64(q.w[0]):be8(q.p,q.len),&q}; z+=q.len+22; }
    if(!HASH) sortE();
    out.resize(z); char*w=out.data(); for(auto&e:E){ const Slot*q=e.s; memcpy(w,key(q),q->len); w+=q->len; *w++='\t'; u64 c=q->count; tot+=c; int dg=digits(c); for(int i=dg-1;i>=0;i--){w[i]='0'+c%10;c/=10;} w+=dg; *w++='\n'; } out.resize(w-out.data());
    for(auto u:used) s[u].count=0; for(auto u:used) s[u].len=0; uniq+=U; }
};
int main(int ac,char**av){
  mallopt(M_MMAP_THRESHOLD,1<<30); mallopt(M_TRIM_THRESHOLD,-1); mallopt(M_ARENA_MAX,2); double t0=now(); const char*in=av[1],*outp=av[2]; int T=ac>3?atoi(av[3]):2; int cb=ac>4?atoi(av[4]):17; if(ac>5)P=atoi(av[5]); HASH=ac>6&&!strcmp(av[6],"hash");
  int fd=open(in,O_RDONLY); struct stat st; fstat(fd,&st); size_t N=st.st_size; const char*d=(const char*)mmap(0,N,PROT_READ,MAP_PRIVATE,fd,0); madvise((void*)d,N,MADV_SEQUENTIAL);
  // sample splitters (range mode)
  if(!HASH){ std::vector<u64> s; u64 r=88172645463325252ull; int K=32768; for(int i=0;i<K;i++){ r^=r<<13;r^=r>>7;r^=r<<17; size_t o=(size_t)i*(N/K)+r%std::max<size_t>(N/K,1); size_t lim=std::min(N,o+4096); while(o<lim&&!isws(d[o]))o++; while(o<lim&&isws(d[o]))o++; if(o<lim){size_t e=o; while(e<N&&e-o<8&&!isws(d[e]))e++; s.push_back(be8(d+o,e-o));} } std::sort(s.begin(),s.end()); s.erase(std::unique(s.begin(),s.end()),s.end()); split.assign(P,~0ull); for(int i=1;i<P;i++) split[i-1]=s.empty()?~0ull:s[std::min(s.size()-1,s.size()*i/P)]; }
  double ts=now();
  std::vector<Mapper*> m(T); const size_t C=4u<<20; std::atomic<size_t> next{0};
  auto par=[&](auto f){ std::vector<std::thread> th; for(int i=1;i<T;i++) th.emplace_back(f,i); f(0); for(auto&x:th)x.join(); };
  par([&](int id){ Mapper*M=m[id]=new Mapper; M->init(cb); for(;;){ size_t b=next.fetch_add(C); if(b>=N)break; size_t e=std::min(N,b+C); const char*pb=d+b,*pe=d+e; if(b) while(pb<d+N&&!isws(pb[-1]))pb++; while(pe<d+N&&!isws(pe[-1]))pe++; if(pb>=pe)continue; tokenize(pb,pe,[&](const char*p,size_t n){M->word(p,n);}); } M->flush(); });
  double t1=now(); par([&](int id){m[id]->drain();}); double t2=now();
  u64 words=0,sp=0; for(auto x:m){words+=x->words;sp+=x->spilled;}
  int fo=open(outp,O_CREAT|O_TRUNC|O_WRONLY,0644); std::vector<std::vector<char>> ob(P); std::vector<char> ready(P,0); std::mutex mu; int flushed=0; u64 off=0; std::atomic<int> np{0}; std::atomic<u64> U{0},TOT{0};
  par([&](int){ Red R; u64 u=0,t=0; for(;;){ int p=np.fetch_add(1); if(p>=P)break; std::vector<char> o; R.run(m,p,o,u,t); std::vector<std::pair<int,u64>> mine; { std::lock_guard<std::mutex> g(mu); ob[p]=std::move(o); ready[p]=1; while(flushed<P&&ready[flushed]){ mine.push_back({flushed,off}); off+=ob[flushed].size(); flushed++; } } for(auto&x:mine){ auto&b=ob[x.first]; size_t w=0; while(w<b.size()){ ssize_t z=pwrite(fo,b.data()+w,b.size()-w,x.second+w); if(z<=0){perror("pwrite");exit(1);} w+=z; } std::vector<char>().swap(b); } } U+=u;TOT+=t; });
  close(fo); double t3=now();
  fprintf(stderr,"bytes %zu words %lu total %lu uniq %lu out %lu spilled %lu | sample %.3f map %.3f drain %.3f reduce+write %.3f all %.3f s | %.1f MB/s\n",N,words,(u64)TOT,(u64)U,off,sp,ts-t0,t1-ts,t2-t1,t3-t2,t3-t0,N/1e6/(t3-t0)); _exit(0);
}
