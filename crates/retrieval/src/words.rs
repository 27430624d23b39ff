//! Small closed word lists: words that carry grammar rather than content, and words that ask. Folded, not stemmed.
//! Not a model of any language: what is missing here only costs a little weight.

use crate::fold::fold;
use std::collections::HashSet;
use std::sync::OnceLock;

const ENGLISH: &str = "a about above after again against all also although always am among an and another any are as at be \
because been before being below between both but by can cannot could did do does doing done down during each either else \
even ever every few for from further get gets got had has have having he her here hers herself him himself his how \
however i if in into is it its itself just let like made make many may me might more most much must my myself near neither no nor \
not now of off often on once one only onto or other our ours ourselves out over own per quite rather same she should since so \
some still such than that the their theirs them themselves then there therefore these they this those though through thus to too \
toward under until up upon us very via was we were what whatever when where whether which while who whom whose why will \
with within without would yet you your yours yourself yourselves im ive dont doesnt didnt isnt arent wasnt werent hasnt havent hadnt cant couldnt \
wont wouldnt shouldnt thats whats lets id ill youre theyre were theres";
const GERMAN: &str = "aber als am an auch auf aus bei beim bin bis bist da damit dann das dass dem den denn der des dich die dies diese \
diesem diesen dieser dieses dir doch du durch ein eine einem einen einer eines er es etwas fur gegen gibt hat hatte haben hatten hier \
ich ihm ihn ihnen ihr ihre ihrem ihren ihrer im in ins ist jede jeder jedes kann kein keine keinen konnen machen man mehr mein mit nach \
nicht noch nur ob oder ohne sehr sein seine seinem seinen seiner seit sich sie sind so uber um und uns unter vom von vor war waren warum \
was weil welche welchem welchen welcher welches wenn wer werden wie wieviel viele wird wo wurde wurden zu zum zur zwischen";
const FRENCH: &str = "au aux avec ce ces cette cet dans de des du elle elles en entre est et ete etre eu il ils je la le les leur leurs \
lui ma mais me mes moi mon ne nos notre nous on ont ou par pas plus pour quand que quel quelle quelles quels qui quoi sa sans se ses si son \
sont sous sur ta te tes toi ton tu un une vos votre vous etait etaient comment combien pourquoi lequel laquelle fut";
const SPANISH: &str = "al algo ante antes como con contra cual cuales cuando cuanto cuantos cuanta cuantas cuyo de del desde donde durante el ella ellas ellos en \
entre era eran es esa ese eso esta estas este esto estos fue fueron ha han hasta hay la las le les lo los mas me mi muy no nos \
o otra otro para pero por porque que quien quienes se ser sin sobre son su sus tambien tiene un una uno unos y ya";
const ITALIAN: &str = "ai al alla alle anche che chi ci come con cosa cui da dai dal dalla degli dei del della delle di dove e ed era \
erano fu gli ha hanno i il in la le lo ma nei nel nella non o per perche piu quale quali quando quanti quanto questa questo se si sono \
stata stato su sua sul sulla suo un una uno";
const PORTUGUESE: &str = "ao aos as ate com como da das de dela dele do dos e ela ele em entre era eram essa esse esta este foi foram ha \
isso ja mais mas na nao nas no nos o os ou para pela pelo por qual quais quando quantos que quem se sem ser seu sua sao tem um uma onde";
const DUTCH: &str = "aan al als bij dan dat de der deze die dit door een en er had heeft hebben het hij hoe hoeveel ik in is je kan maar met \
naar niet nog of om onder ook op over te tot uit van veel voor waar waarom wanneer was wat welke werd wie wordt ze zich zijn";
const TURKISH: &str = "acaba ama bir bu cok da daha de en gibi hangi hangisi hem ile ise icin kac kadar kim kimdir ki mi mu nasil ne neden nedir \
nerede nereye olan olarak oldu ve veya ya hangileri kimin kimler nelerdir zaman";
const RUSSIAN: &str = "а без бы был была были было быть в вам вас во вот все всех вы где да для до его ее если есть еще же за и из или им их к \
как какая какие каким каких какого какое какой какую когда кого кто куда ли между меня мне мы на над не него нет ни но о об он она они оно от по под почему при с \
сколько со так также такой там то того тоже только том тот у уже чего чем что чтобы эта эти это этого этот я чей чье";
const ARABIC: &str = "في من على الى عن مع هذا هذه ذلك تلك التي الذي الذين ما ماذا متى اين كيف كم لماذا هل هو هي هم كان كانت قد لقد لا لم لن ان او \
ثم بين بعد قبل عند كل بعض غير مثل و اي من هي";
const HINDI: &str = "का की के को में से पर है हैं था थी थे ने और या यह वह ये वे इस उस कि जो तो ही भी एक लिए साथ क्या कौन कौनसा कौनसी कब कहां कहाँ कैसे \
क्यों कितना कितनी कितने किस किसने किसे किसका किसकी किन नहीं तक द्वारा हो गया गई गए होता होती होते कर करने था।";

/// Words that ask or command and are not looked for: "tell", "explain", "according".
const ASKING: &str = "please tell explain describe say says said mention mentions mentioned give show find according know want need \
question answer talk discuss discussed exactly also kind type sort name named called happen happened happens mean means";

/// What Chinese and Thai questions ask with; taken out before the text is cut into pairs.
pub(crate) const ASKING_IN_PAIRS: [&str; 44] = [
    "为什么",
    "什么时候",
    "什么",
    "哪一年",
    "哪些",
    "哪里",
    "哪个",
    "哪位",
    "哪儿",
    "哪年",
    "哪",
    "多少",
    "怎么样",
    "怎么",
    "怎样",
    "如何",
    "是谁",
    "谁",
    "吗",
    "呢",
    "几个",
    "请问",
    "是否",
    "何时",
    "为何",
    "อะไรบ้าง",
    "อะไร",
    "ที่ไหน",
    "ที่ใด",
    "เมื่อใด",
    "เมื่อไหร่",
    "เมื่อไร",
    "เท่าไหร่",
    "เท่าไร",
    "เท่าใด",
    "ใคร",
    "อย่างไร",
    "ทำไม",
    "กี่",
    "ใด",
    "何ですか",
    "どこ",
    "いつ",
    "だれ",
];

fn set(cell: &'static OnceLock<HashSet<String>>, lists: &[&str]) -> &'static HashSet<String> {
    cell.get_or_init(|| lists.iter().flat_map(|list| list.split_whitespace()).map(fold).collect())
}

/// Whether a folded, unstemmed word carries grammar only, in any of the languages listed.
pub(crate) fn is_stop(word: &str) -> bool {
    static ALL: OnceLock<HashSet<String>> = OnceLock::new();
    let lists = [ENGLISH, GERMAN, FRENCH, SPANISH, ITALIAN, PORTUGUESE, DUTCH, TURKISH, RUSSIAN, ARABIC, HINDI];
    set(&ALL, &lists).contains(word)
}

/// Whether a folded, unstemmed word carries grammar only in English.
pub(crate) fn is_english_stop(word: &str) -> bool {
    static SET: OnceLock<HashSet<String>> = OnceLock::new();
    set(&SET, &[ENGLISH]).contains(word)
}

/// Whether a folded word is grammar in another language and not in English: a sign that the text is not English.
pub(crate) fn is_foreign_stop(word: &str) -> bool {
    !is_english_stop(word) && is_stop(word)
}

/// Whether a folded word asks rather than names.
pub(crate) fn is_asking(word: &str) -> bool {
    static SET: OnceLock<HashSet<String>> = OnceLock::new();
    set(&SET, &[ASKING]).contains(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grammar_is_told_from_content() {
        assert!(is_stop("the") && is_stop("fur") && is_stop(&fold("какой")) && is_stop("में"));
        assert!(!is_stop("contract") && !is_stop("revenue"));
        assert!(is_foreign_stop("welche") && !is_foreign_stop("in"));
    }
}
