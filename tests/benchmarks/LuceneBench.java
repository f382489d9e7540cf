// How does Lucene answer the questions of the benchmark? Run as a single source file: see lucene.py.
//
//   build FOLDER CUT   index the lines of cut.tsv; prints the peak of memory in kB
//   serve FOLDER       open, print the nanoseconds; then answer lines:
//     search LIMIT FILTERS TERMS   nanoseconds and the numbers found
//     change DOCUMENT WORD         nanoseconds until the changed document was found by its new word

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.lucene.analysis.core.WhitespaceAnalyzer;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.FieldType;
import org.apache.lucene.document.NumericDocValuesField;
import org.apache.lucene.document.StringField;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexOptions;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.index.NumericDocValues;
import org.apache.lucene.index.ReaderUtil;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.BooleanClause;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.store.Directory;
import org.apache.lucene.store.MMapDirectory;

public class LuceneBench {
    static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    static final FieldType COUNTED = new FieldType();
    static final String[] FIELDS = {"number", "kind", "category", "audience"};

    static {
        COUNTED.setTokenized(true);
        COUNTED.setIndexOptions(IndexOptions.DOCS_AND_FREQS);
        COUNTED.freeze();
    }

    public static void main(String[] args) throws Exception {
        Path folder = Path.of(args[1]);
        if (args[0].equals("build")) {
            build(folder, Path.of(args[2]));
        } else {
            serve(folder);
        }
    }

    static IndexWriterConfig config(double heapMb) {
        return new IndexWriterConfig(new WhitespaceAnalyzer()).setRAMBufferSizeMB(heapMb);
    }

    static Document document(String[] parts) {
        Document document = new Document();
        for (int place = 0; place < FIELDS.length; place++) {
            document.add(new StringField(FIELDS[place], parts[place], Field.Store.NO));
        }
        document.add(new NumericDocValuesField("id", Long.parseLong(parts[0])));
        document.add(new Field("body", parts[4], COUNTED));
        return document;
    }

    static void build(Path folder, Path cut) throws Exception {
        try (IndexWriter writer = new IndexWriter(new MMapDirectory(folder), config(256));
                BufferedReader lines = Files.newBufferedReader(cut)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                writer.addDocument(document(line.split("\t")));
            }
            writer.forceMerge(1);
            writer.commit();
        }
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith("VmHWM")) {
                OUT.println(line.replaceAll("[^0-9]", ""));
            }
        }
    }

    static void serve(Path folder) throws Exception {
        long began = System.nanoTime();
        Directory directory = new MMapDirectory(folder);
        DirectoryReader reader = DirectoryReader.open(directory);
        IndexSearcher searcher = new IndexSearcher(reader);
        OUT.println(System.nanoTime() - began);
        IndexWriter writer = null;
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] parts = line.split("\t", -1);
            String found;
            if (parts[0].equals("search")) {
                began = System.nanoTime();
                found = search(searcher, Integer.parseInt(parts[1]), parts[2], parts[3].split(" "));
            } else {
                if (writer == null) {
                    writer = new IndexWriter(directory, config(64));
                }
                String[] fields = parts[1].split("\u001f");
                began = System.nanoTime();
                writer.updateDocument(new Term("number", fields[0]), document(fields));
                writer.commit();
                DirectoryReader next = DirectoryReader.openIfChanged(reader);
                reader.close();
                reader = next;
                searcher = new IndexSearcher(reader);
                found = search(searcher, 10, "", new String[] {parts[2]});
            }
            OUT.println((System.nanoTime() - began) + "\t" + found);
        }
        if (writer != null) {
            writer.close();
        }
    }

    static String search(IndexSearcher searcher, int limit, String filters, String[] terms) throws IOException {
        BooleanQuery.Builder query = new BooleanQuery.Builder();
        for (String term : terms) {
            query.add(new TermQuery(new Term("body", term)), BooleanClause.Occur.SHOULD);
        }
        if (!filters.isEmpty()) {
            query.setMinimumNumberShouldMatch(1);
            for (String filter : filters.split(" ")) {
                int at = filter.indexOf('=');
                Term term = new Term(filter.substring(0, at), filter.substring(at + 1));
                query.add(new TermQuery(term), BooleanClause.Occur.FILTER);
            }
        }
        StringBuilder found = new StringBuilder();
        for (ScoreDoc hit : searcher.search(query.build(), limit).scoreDocs) {
            LeafReaderContext leaf =
                    searcher.getIndexReader().leaves().get(ReaderUtil.subIndex(hit.doc, searcher.getIndexReader().leaves()));
            NumericDocValues ids = leaf.reader().getNumericDocValues("id");
            ids.advanceExact(hit.doc - leaf.docBase);
            found.append(ids.longValue()).append(' ');
        }
        return found.toString();
    }
}
