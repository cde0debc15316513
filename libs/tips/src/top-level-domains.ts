/*
 * Endings that make a bare `word.word` an address, from IANA's list of top-level domains: all of countries, and those of the others that are
 * in common use. An address with a scheme or with `www.` needs none of them.
 */
const COUNTRIES =
  'ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs bt bw by bz ca cc cd cf cg ch ci ck cl cm cn co cr cu ' +
  'cv cw cx cy cz de dj dk dm do dz ec ee eg er es et eu fi fj fk fm fo fr ga gd ge gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ' +
  'ie il im in io iq ir is it je jm jo jp ke kg kh ki km kn kp kr kw ky kz la lb lc li lk lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn mo mp mq mr ' +
  'ms mt mu mv mw mx my mz na nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro rs ru rw sa sb sc sd se sg sh si ' +
  'sk sl sm sn so sr ss st su sv sx sy sz tc td tf tg th tj tk tl tm tn to tr tt tv tw tz ua ug uk us uy uz va vc ve vg vi vn vu wf ws ye yt za zm zw ' +
  'рф укр бел қаз срб мкд 中国 中國 香港 台湾 台灣 한국 ไทย भारत ইন্ডিয়া ایران مصر امارات السعودية';
const OTHERS =
  'com net org edu gov mil int info biz name pro aero coop jobs mobi museum travel cat tel asia xxx post app dev page xyz top site online shop store ' +
  'club live life world today news blog wiki link click win bid loan men date review party trade science work space tech website fun host press cloud ' +
  'agency digital email network systems solutions company group team zone vip ltd gmbh inc llc games game bet casino poker porn sex sexy adult cam ' +
  'webcam dating chat social video stream studio media art design photo photos pics camera music band audio radio movie film show events tickets ' +
  'academy school guru expert tips fyi how best cool rocks lol wtf ninja icu cyou rest quest monster beauty hair skin makeup fit yoga run bike car cars ' +
  'auto moto bar pub beer wine pizza cafe coffee kitchen recipes garden farm homes house land estate rent sale deals gifts discount cash money finance ' +
  'fund capital bank credit loans exchange market markets trading crypto eth dao nft wallet sol bnb ong ngo foundation charity church bible faith global ' +
  'international earth eco green energy solar london paris berlin wien tokyo nyc moscow city town store zip mov foo ink one plus red blue black pink gold ' +
  'support help care health clinic dental doctor law legal tax insure realty properties place events dance ski golf tennis football soccer onion local';

export const TOP_LEVEL_DOMAINS: ReadonlySet<string> = new Set(`${COUNTRIES} ${OTHERS}`.split(' '));

/** Endings that people spell out, and that are not English words besides: only behind them a `dot` is taken for a dot. */
export const SPELT_DOMAINS: ReadonlySet<string> = new Set('com net org io gg xyz ru cn info biz tv ly app dev'.split(' '));
